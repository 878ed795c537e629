"""Reads a test record that recover has written into OpenHTF's own objects, and lets OpenHTF write them again.

OpenHTF has no reader of the records that its json_factory writes; this is one, field by field. What it writes must be what it
has read: by json_factory, and as the record that goes with an event of mfg_event_converter.
"""

import json
import sys

from openhtf.core import phase_descriptor, phase_executor, test_record
from openhtf.output.callbacks import json_factory
from openhtf.output.proto import mfg_event_converter
from openhtf.util import logs


def built(kind, fields, **inner):
    """An object of this class, which refuses fields that it does not know."""
    return kind(**{**fields, **inner})


def phase(fields):
    result = phase_descriptor.PhaseResult[fields['result']['phase_result']]
    return built(
        test_record.PhaseRecord,
        fields,
        codeinfo=built(test_record.CodeInfo, fields['codeinfo']),
        result=phase_executor.PhaseExecutionOutcome(result),
        outcome=test_record.PhaseOutcome[fields['outcome']],
    )


def read(fields):
    record = built(
        test_record.TestRecord,
        fields,
        outcome=test_record.Outcome[fields['outcome']],
        outcome_details=[built(test_record.OutcomeDetails, details) for details in fields['outcome_details']],
        code_info=built(test_record.CodeInfo, fields['code_info']),
        phases=[],
        log_records=[],
    )
    for line in fields['log_records']:
        record.add_log_record(built(logs.LogRecord, line))
    for fields_of_phase in fields['phases']:
        record.add_phase_record(phase(fields_of_phase))
    return record


def main():
    with open(sys.argv[1], encoding='utf-8') as file:
        fields = json.load(file)
    record = read(fields)
    written = json.loads(''.join(json_factory.OutputToJSON('unused').serialize_test_record(record)))
    assert written == fields, differences(fields, written)
    event = mfg_event_converter.mfg_event_from_test_record(record)
    again = mfg_event_converter.test_record_from_mfg_event(event)
    assert again == fields, differences(fields, again)
    print(json.dumps({
        'unit': event.dut_serial,
        'station': event.tester_name,
        'operator': event.operator_name,
        'test': event.test_name,
        'outcome': record.outcome.name,
        'phases': [[one.name, one.outcome.name] for one in record.phases],
        'failures': [[one.code, one.details] for one in event.failure_codes],
        'took': event.end_time_ms - event.start_time_ms,
        'logs': len(event.test_logs),
    }))


def differences(one, other):
    return {key: (one.get(key), other.get(key)) for key in {*one, *other} if one.get(key) != other.get(key)}


if __name__ == '__main__':
    main()
