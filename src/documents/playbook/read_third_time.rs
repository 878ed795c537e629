//! Reads what a step's failure means once it has come for the third time.

use crate::documents::Yaml;
use crate::documents::playbook::ThirdFailure;
use crate::documents::playbook::read_step::{read_class, required};
use crate::documents::playbook::reader::Reader;
use crate::words::{Id, ThirdTime};

pub(super) fn read_third_time(reader: &mut Reader, yaml: &Yaml) -> Option<ThirdFailure> {
    let parts = reader.map(yaml, "`third_time`", &["on", "unchanged", "unlike", "class", "message", "help"])?;
    let on = required(reader, &parts, "on", "third_time");
    let message = required(reader, &parts, "message", "third_time");
    Some(ThirdFailure {
        place: parts.place().clone(),
        on: reader.one_or_more(on?, "classes of fault").iter().filter_map(|class| read_class(reader, class)).collect(),
        unchanged: parts.get("unchanged").and_then(|name| reader.parsed::<Id>(name)).map(|name| name.value),
        unlike: parts.get("unlike").and_then(|name| reader.parsed::<Id>(name)).map(|name| name.value),
        meaning: ThirdTime {
            class: parts.get("class").and_then(|class| read_class(reader, class)),
            message: reader.prose(message?)?,
            help: parts.get("help").and_then(|help| reader.prose(help)),
        },
    })
}
