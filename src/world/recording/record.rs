//! What has been recorded so far, within limits. Times come in as milliseconds since the recording began.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::documents::scene::{
    Act, ArgumentPattern, Asked, BusChange, CallEnd, Content, Deed, DeviceAccess, FileName, PersonReply, Printed,
    SceneDevice, ScenePerson,
};
use crate::words::{Stream, ToolEnd};
use crate::world::{Access, AttachedDevice, Reply};

/// More of what tools print is not kept, in bytes.
pub const TEXT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Output that comes within this time of other output is kept as one piece.
const ONE_PIECE_MS: u64 = 20;
/// With so many acts, output is kept in as few pieces as can be.
const ACTS_MAX: usize = 20_000;
const CALLS_MAX: usize = 1_500;
const DEVICES_MAX: usize = 64;
/// A program that could not be started is played as a shell would tell it.
const NOT_STARTED_EXIT: i32 = 127;

/// A recording, as far as it has come.
#[derive(Debug, Default)]
pub struct Recorded {
    pub devices: Vec<SceneDevice>,
    /// What happened on the bus before anything else.
    pub changes: Vec<BusChange>,
    pub person: Vec<ScenePerson>,
    pub calls: Vec<RecordedCall>,
    /// What tools answered when asked for their version, by how they were started.
    pub versions: BTreeMap<Vec<OsString>, Vec<u8>>,
    /// Folders in which tools worked.
    pub folders: Vec<String>,
    /// Bytes of output that found no room.
    pub left_out_bytes: u64,
    /// Calls, devices and files that found no room, in words.
    pub left_out: Vec<String>,
    /// The person or the system ended the run, which no scene repeats.
    pub interrupted: bool,
    /// Told before each call.
    next_tool: String,
    present: Vec<usize>,
    looked: bool,
    /// What changes on the bus are counted from.
    since: Since,
    since_ms: u64,
    text_bytes: usize,
    acts: usize,
}

#[derive(Debug)]
pub struct RecordedCall {
    pub tool: String,
    pub args: Vec<ArgumentPattern>,
    pub acts: Vec<Act>,
    pub end: CallEnd,
    pub afterwards: Vec<BusChange>,
    last_ms: u64,
    stopped: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Since {
    #[default]
    Start,
    Question(usize),
    CallBegan(usize),
    CallEnded(usize),
    /// There was no room for it.
    Nothing,
}

impl Recorded {
    pub(super) fn tool(&mut self, name: &str) {
        name.clone_into(&mut self.next_tool);
    }

    /// Answers with the number of the call, if there is room for it.
    pub(super) fn call_began(&mut self, args: &[String], folder: &str, at_ms: u64) -> Option<usize> {
        if !self.folders.iter().any(|known| known == folder) {
            self.folders.push(folder.to_owned());
        }
        self.since_ms = at_ms;
        if self.calls.len() >= CALLS_MAX {
            self.leave_out(format!("calls beyond the first {CALLS_MAX}"));
            self.since = Since::Nothing;
            return None;
        }
        self.calls.push(RecordedCall {
            tool: self.next_tool.clone(),
            args: args.iter().map(|arg| ArgumentPattern::exactly(arg)).collect(),
            acts: Vec::new(),
            end: CallEnd::Hangs,
            afterwards: Vec::new(),
            last_ms: at_ms,
            stopped: false,
        });
        self.since = Since::CallBegan(self.calls.len() - 1);
        Some(self.calls.len() - 1)
    }

    pub(super) fn printed(&mut self, call: usize, stream: Stream, bytes: &[u8], at_ms: u64) {
        let room = TEXT_BYTES_MAX.saturating_sub(self.text_bytes).min(bytes.len());
        self.left_out_bytes += (bytes.len() - room) as u64;
        self.text_bytes += room;
        let crowded = self.acts >= ACTS_MAX;
        let bytes = &bytes[..room];
        let Some(recorded) = self.calls.get_mut(call).filter(|_| room > 0) else { return };
        let soon = at_ms.saturating_sub(recorded.last_ms) <= ONE_PIECE_MS;
        if let Some(Act { deed: Deed::Print(last, Printed::Bytes(text)), .. }) = recorded.acts.last_mut()
            && *last == stream
            && (soon || crowded)
        {
            // Its time stays that of the first bytes, so that many small pieces do not grow into one without end.
            text.extend_from_slice(bytes);
            return;
        }
        self.act(call, Deed::Print(stream, Printed::Bytes(bytes.to_owned())), at_ms);
    }

    pub(super) fn answered(&mut self, call: usize, line: &str, at_ms: u64) {
        let ArgumentPattern::One(pattern) = ArgumentPattern::exactly(line) else { return };
        self.act(call, Deed::Read { pattern, again: None }, at_ms);
    }

    pub(super) fn wrote(&mut self, call: usize, name: String, content: Content, at_ms: u64) {
        self.act(call, Deed::Write { name: FileName::Fixed(name), content }, at_ms);
    }

    pub(super) fn leave_out(&mut self, what: String) {
        if !self.left_out.contains(&what) {
            self.left_out.push(what);
        }
    }

    /// We have ended it: by itself it would have gone on.
    pub(super) fn stopped(&mut self, call: usize) {
        if let Some(call) = self.calls.get_mut(call) {
            call.stopped = true;
        }
    }

    pub(super) fn call_ended(&mut self, call: usize, end: Option<&ToolEnd>, at_ms: u64) {
        if let Some(ToolEnd::NotStarted(reason)) = end {
            self.printed(call, Stream::Stderr, format!("{reason}\n").as_bytes(), at_ms);
        }
        let Some(recorded) = self.calls.get_mut(call) else { return };
        recorded.end = match end {
            _ if recorded.stopped => CallEnd::Hangs,
            Some(ToolEnd::Exited(code)) => CallEnd::Exit(code & 0xff),
            Some(ToolEnd::Signalled(signal)) => CallEnd::Signal(*signal),
            Some(ToolEnd::NotStarted(_)) => CallEnd::Exit(NOT_STARTED_EXIT),
            _ => CallEnd::Hangs,
        };
        if recorded.end != CallEnd::Hangs && at_ms > recorded.last_ms {
            self.act(call, Deed::Nothing, at_ms);
        }
        (self.since, self.since_ms) = (Since::CallEnded(call), at_ms);
    }

    fn act(&mut self, call: usize, deed: Deed, at_ms: u64) {
        let Some(recorded) = self.calls.get_mut(call) else { return };
        recorded.acts.push(Act { after_ms: at_ms.saturating_sub(recorded.last_ms), deed });
        recorded.last_ms = at_ms;
        self.acts += 1;
    }

    pub(super) fn asked(&mut self, asked: Asked, goes_on_by_itself: bool, at_ms: u64) {
        // Who is not answered is silent, but for hands that do what shows on the bus.
        let reply = (!goes_on_by_itself).then_some(PersonReply::Silent);
        self.person.push(ScenePerson { asked, after_ms: 0, reply, changes: Vec::new() });
        if !matches!(self.since, Since::CallBegan(_)) {
            (self.since, self.since_ms) = (Since::Question(self.person.len() - 1), at_ms);
        }
    }

    pub(super) fn replied(&mut self, reply: &Reply, after_ms: u64) {
        if let Some(last) = self.person.last_mut() {
            last.after_ms = after_ms;
            last.reply = Some(match reply {
                Reply::Line(line) => PersonReply::Line(line.clone()),
                Reply::Gone => PersonReply::Gone,
            });
        }
    }

    /// A look at the bus.
    pub(super) fn saw(&mut self, attached: &[AttachedDevice], at_ms: u64) {
        let seen: Vec<usize> = attached.iter().filter_map(|device| self.device(device)).collect();
        let gone: Vec<usize> = self.present.iter().copied().filter(|index| !seen.contains(index)).collect();
        let came: Vec<usize> = seen.iter().copied().filter(|index| !self.present.contains(index)).collect();
        for (index, appears) in gone.into_iter().map(|index| (index, false)).chain(came.into_iter().map(|i| (i, true)))
        {
            if self.looked {
                self.changed(index, appears, at_ms);
            }
        }
        self.present = seen;
        self.looked = true;
    }

    fn device(&mut self, device: &AttachedDevice) -> Option<usize> {
        let AttachedDevice { id, port, serial, product, interfaces, version, kind, access, arrival: _ } =
            device.clone();
        let access = match access {
            Access::Permitted => DeviceAccess::Permitted,
            Access::Denied => DeviceAccess::Denied,
            Access::Unknown => DeviceAccess::Unknown,
        };
        let attached = !self.looked;
        let named =
            SceneDevice { name: String::new(), id, port, serial, product, interfaces, version, kind, access, attached };
        let same = |known: &SceneDevice| SceneDevice { name: String::new(), attached, ..known.clone() } == named;
        if let Some(index) = self.devices.iter().position(same) {
            return Some(index);
        }
        if self.devices.len() >= DEVICES_MAX {
            self.leave_out(format!("devices beyond the first {DEVICES_MAX}"));
            return None;
        }
        let of_id = self.devices.iter().filter(|known| known.id == id).count();
        let id = id.to_string().replace(':', "_");
        let name = if of_id == 0 { format!("usb_{id}") } else { format!("usb_{id}_{}", of_id + 1) };
        self.devices.push(SceneDevice { name, ..named });
        Some(self.devices.len() - 1)
    }

    fn changed(&mut self, index: usize, appears: bool, at_ms: u64) {
        let Some(device) = self.devices.get(index).map(|device| device.name.clone()) else { return };
        let after_ms = at_ms.saturating_sub(self.since_ms);
        let changes = match self.since {
            Since::CallBegan(call) => return self.act(call, Deed::Change { device, appears }, at_ms),
            Since::Nothing => return,
            Since::Start => Some(&mut self.changes),
            Since::Question(index) => self.person.get_mut(index).map(|entry| &mut entry.changes),
            Since::CallEnded(index) => self.calls.get_mut(index).map(|call| &mut call.afterwards),
        };
        if let Some(changes) = changes {
            changes.push(BusChange { after_ms, device, appears });
            self.since_ms = at_ms;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::playbook::DeviceKind;

    fn device(port: &str) -> AttachedDevice {
        AttachedDevice {
            id: "0483:df11".parse().unwrap(),
            port: port.to_owned(),
            serial: None,
            product: None,
            interfaces: Vec::new(),
            version: None,
            kind: DeviceKind::Usb,
            access: Access::Permitted,
            arrival: 0,
        }
    }

    #[test]
    fn a_tool_that_prints_without_end_fills_no_memory() {
        let mut recorded = Recorded::default();
        let call = recorded.call_began(&[], "/tmp", 0).unwrap();
        let piece = vec![b'x'; 64 * 1024];
        for at_ms in 0..800 {
            recorded.printed(call, Stream::Stdout, &piece, at_ms * 100);
        }
        let kept: usize = recorded.calls[0]
            .acts
            .iter()
            .map(|act| match &act.deed {
                Deed::Print(_, printed) => printed.bytes().len(),
                _ => 0,
            })
            .sum();
        assert_eq!(kept, TEXT_BYTES_MAX);
        assert_eq!(recorded.left_out_bytes, 50 * 1024 * 1024 - TEXT_BYTES_MAX as u64);
    }

    #[test]
    fn changes_on_the_bus_belong_to_what_came_before() {
        let mut recorded = Recorded::default();
        recorded.saw(&[device("1")], 0);
        recorded.saw(&[device("1"), device("2")], 5);
        recorded.asked(Asked::Hands, true, 10);
        recorded.saw(&[device("1")], 17);
        let call = recorded.call_began(&[], "/tmp", 20).unwrap();
        recorded.saw(&[], 24);
        recorded.call_ended(call, Some(&ToolEnd::Exited(0)), 30);
        recorded.saw(&[device("2")], 31);
        let told = |change: &BusChange| (change.after_ms, change.device.clone(), change.appears);
        let devices: Vec<_> = recorded.devices.iter().map(|device| (device.name.as_str(), device.attached)).collect();
        assert_eq!(devices, [("usb_0483_df11", true), ("usb_0483_df11_2", false)]);
        assert_eq!(recorded.changes.iter().map(told).collect::<Vec<_>>(), [(5, "usb_0483_df11_2".to_owned(), true)]);
        let by_hand: Vec<_> = recorded.person[0].changes.iter().map(told).collect();
        assert_eq!(by_hand, [(7, "usb_0483_df11_2".to_owned(), false)]);
        let vanished = Deed::Change { device: "usb_0483_df11".to_owned(), appears: false };
        let acts = [Act { after_ms: 4, deed: vanished }, Act { after_ms: 6, deed: Deed::Nothing }];
        assert_eq!(recorded.calls[0].acts, acts);
        let afterwards: Vec<_> = recorded.calls[0].afterwards.iter().map(told).collect();
        assert_eq!(afterwards, [(1, "usb_0483_df11_2".to_owned(), true)]);
    }
}
