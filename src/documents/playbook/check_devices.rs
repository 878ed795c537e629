//! Does a playbook tell which board it changes?

use crate::documents::catalog::Catalog;
use crate::documents::playbook::check_call::as_far_as_literal;
use crate::documents::playbook::{Changes, Device, DeviceState, Playbook, Run, StartPart};
use crate::words::{Code, Diagnostic, Id, Located, Place, UsbId, meant_or_known};

/// A device whose id many boards show is not told apart by it.
pub(super) fn shared_id(device: &Device, catalog: &Catalog) -> Option<Diagnostic> {
    let mut ids = device.ids.iter().enumerate();
    let shared = ids.find_map(|(index, id)| Some((index, catalog.shared_ids.get_key_value(id)?)));
    let (index, (id, whose)) = shared.filter(|_| device.identifies != Some(false))?;
    let message = format!("{id} is {whose}, so it does not tell which board is there");
    let hint = format!(
        "add `identifies: no` to `{}`: then the person is asked, or moves, or chooses with --port, before anything is \
         written",
        device.name
    );
    Some(Diagnostic::warning(Code::SharedId, device.id_places.get(index).unwrap_or(&device.place), message).hint(hint))
}

/// Ids that the catalog knows only the other way round.
pub(super) fn swapped_ids(device: &Device, catalog: &Catalog) -> Vec<Diagnostic> {
    let wrong = device.ids.iter().zip(&device.id_places).filter(|(id, _)| is_swapped(**id, catalog));
    let told = |(id, place): (&UsbId, &Place)| {
        let meant = id.swapped();
        let message = format!("vendor and product stand the wrong way round: {meant} is the id that is known");
        let hint = format!("first the vendor, {:04x}, then the product, {:04x}", meant.vendor, meant.product);
        Diagnostic::error(Code::SwappedId, place, message).hint(hint)
    };
    wrong.map(told).collect()
}

pub(super) fn is_swapped(id: UsbId, catalog: &Catalog) -> bool {
    catalog.knows_id(id.swapped()) && !catalog.knows_id(id)
}

/// Before the board is changed it must be known which one is there.
pub(super) fn unnamed_device(run: &Run, devices: &[Device], catalog: &Catalog) -> Option<Diagnostic> {
    // With a prompt of its own the board comes while the person moves.
    if run.device.is_some() || run.prompt.is_some() {
        return None;
    }
    let args: Vec<String> = run.args.iter().map(as_far_as_literal).collect();
    let named: Vec<&Device> = devices.iter().filter(|device| device.is_named_in(&args)).collect();
    let meant = if named.is_empty() { devices.iter().collect() } else { named };
    let shared = meant.iter().find(|device| device.shares_its_id(catalog))?;
    let message = format!(
        "this call of {} changes the board, and does not say which device it acts on, so that recover cannot make sure \
         that it is the right one",
        run.tool.value
    );
    let hint = format!("add `device: {}`, or the device that is meant", shared.name);
    Some(Diagnostic::warning(Code::SharedId, &run.tool.place, message).hint(hint))
}

/// What a device starts from must be there to be written, and what nothing can damage starts from nothing.
pub(super) fn start_parts(device: &Device, playbook: &Playbook) -> Vec<Diagnostic> {
    if let (Some(first), Some(DeviceState::Recovery)) = (device.starts_from.first(), device.state) {
        let message =
            format!("`{}` comes whatever is damaged (`state: recovery`), so it starts from no file", device.name);
        return vec![Diagnostic::error(Code::Contradiction, &first.place, message)];
    }
    let unknown = |part: &Located<StartPart>| match &part.value {
        StartPart::File(name) => unknown_file(&Located { value: name.clone(), place: part.place.clone() }, playbook),
        StartPart::Range(_) => None,
    };
    device.starts_from.iter().filter_map(unknown).collect()
}

/// The files that a call says it writes.
pub(super) fn changed_files(run: &Run, playbook: &Playbook) -> Vec<Diagnostic> {
    match run.changes.as_ref().map(|changes| &changes.value) {
        Some(Changes::Files(files)) => files.iter().filter_map(|file| unknown_file(file, playbook)).collect(),
        Some(Changes::Nothing | Changes::Range { .. }) | None => Vec::new(),
    }
}

fn unknown_file(name: &Located<Id>, playbook: &Playbook) -> Option<Diagnostic> {
    let inputs = playbook.inputs.iter().map(|input| input.name.as_str());
    let known: Vec<&str> = inputs.chain(playbook.tool_files.iter().map(|file| file.name.as_str())).collect();
    if known.contains(&name.value.as_str()) {
        return None;
    }
    let message = format!("neither an input nor a file of a tool is called `{}`", name.value);
    let diagnostic = Diagnostic::error(Code::UnknownName, &name.place, message);
    Some(if known.is_empty() { diagnostic } else { diagnostic.hint(meant_or_known(name.value.as_str(), known)) })
}
