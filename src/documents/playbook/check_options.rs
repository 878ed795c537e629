//! Holds what the options of a call say against the playbook: its devices, and how long the step may take.

use std::time::Duration;

use crate::documents::catalog::{Catalog, OptionValues, Tool, option_values};
use crate::documents::playbook::check_call::{as_far_as_literal, place_of};
use crate::documents::playbook::check_devices::is_swapped;
use crate::documents::playbook::{Playbook, Run, Step};
use crate::words::{Code, Diagnostic, UsbId, describe_time};

pub(super) fn check_options(
    playbook: &Playbook,
    catalog: &Catalog,
    tool: &Tool,
    step: &Step,
    run: &Run,
) -> Vec<Diagnostic> {
    let args: Vec<String> = run.args.iter().map(as_far_as_literal).collect();
    let OptionValues { ids, limits_ms, leaves: _ } = option_values(tool, &args);
    let swapped = ids.into_iter().filter_map(|(index, id)| swapped((playbook, catalog), run, (index, id)));
    let cut_short = limits_ms.into_iter().filter_map(|(index, limit)| cut_short(step, run, index, limit));
    swapped.chain(cut_short).collect()
}

/// The board goes away after a call that does not wait for that, and the next step is about the same device.
pub(super) fn leaves_too_early(tool: &Tool, step: &Step, next: &Step) -> Option<Diagnostic> {
    let (run, follower) = (step.call()?, next.call()?);
    let device = run.device.as_deref()?;
    let same = follower.device.as_deref() == Some(device);
    if step.until.is_some() || !same {
        return None;
    }
    let args: Vec<String> = run.args.iter().map(as_far_as_literal).collect();
    let (index, word) = option_values(tool, &args).leaves.into_iter().next()?;
    let message = format!("with `{word}` the board goes away, and the step `{}` talks to it right afterwards", next.id);
    let diagnostic = Diagnostic::error(Code::LeavesTooEarly, place_of(run, Some(index)), message);
    Some(diagnostic.hint("leave it out here, or wait with `until` for what shows afterwards"))
}

/// An id that no device has, and one has the other way round. Where the catalog knows the argument's, the device's is the wrong one,
/// and is told there.
fn swapped((playbook, catalog): (&Playbook, &Catalog), run: &Run, (index, id): (usize, UsbId)) -> Option<Diagnostic> {
    let other_way = id.swapped();
    let has = |id: UsbId| playbook.devices.iter().find(|device| device.ids.contains(&id));
    let device = has(other_way).filter(|_| has(id).is_none() && !is_swapped(other_way, catalog))?;
    let (message, hint) = if catalog.knows_id(other_way) {
        (
            format!("vendor and product stand the wrong way round: the device `{}` is {other_way}", device.name),
            format!("first the vendor, {:04x}, then the product, {:04x}", other_way.vendor, other_way.product),
        )
    } else {
        (
            format!("vendor and product stand the other way round in the device `{}`: {other_way}", device.name),
            "one of the two places is wrong: first the vendor, then the product".to_owned(),
        )
    };
    Some(Diagnostic::error(Code::SwappedId, place_of(run, Some(index)), message).hint(hint))
}

/// Where the step's limit does not grow with files, it is known to be the shorter one.
fn cut_short(step: &Step, run: &Run, index: usize, limit_ms: u64) -> Option<Diagnostic> {
    let own = Duration::from_millis(limit_ms);
    let limit = step.timeout.as_ref().filter(|timeout| timeout.per_mb.is_zero())?;
    let allowed = limit.base.max(limit.at_least);
    (allowed < own).then(|| {
        let message = format!(
            "the step ends this call after {}, before the tool's own limit of {} can tell what is wrong",
            describe_time(allowed),
            describe_time(own)
        );
        Diagnostic::warning(Code::LimitTooShort, place_of(run, Some(index)), message)
            .hint("give the step a longer `timeout`, or the tool a shorter limit")
    })
}
