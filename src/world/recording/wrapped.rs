//! A world that keeps what happens in it, and leaves everything as it is.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;

use tokio::sync::Notify;

use crate::documents::playbook::DeviceKind;
use crate::documents::scene::Asked;
use crate::words::UsbId;
use crate::world::recording::Recorder;
use crate::world::{
    Ask, AttachedDevice, Awake, Cleared, DeviceList, DeviceNode, Host, Interrupt, MovingHands, NoBus, NodeHolder,
    OtherDevice, PlaceTurns, Reply, RunningTool, World,
};

/// The world of a run that is recorded.
pub struct RecordingWorld<'w, W> {
    inner: &'w W,
    recorder: Recorder,
    /// What the engine looks for.
    kinds: RefCell<Vec<(UsbId, DeviceKind)>>,
    changed: Notify,
    asked_ms: RefCell<u64>,
}

impl<'w, W: World> RecordingWorld<'w, W> {
    pub fn new(inner: &'w W, recorder: Recorder) -> Self {
        // From here on times are counted.
        recorder.now_ms();
        RecordingWorld { inner, recorder, kinds: RefCell::default(), changed: Notify::new(), asked_ms: RefCell::new(0) }
    }

    fn look(&self) {
        let kinds = self.kinds.borrow();
        if kinds.is_empty() {
            return;
        }
        if let Ok(attached) = self.inner.devices(&kinds) {
            self.recorder.note(|recorded, at_ms| recorded.saw(&attached, at_ms));
        }
    }
}

impl<W: World> World for RecordingWorld<'_, W> {
    fn start(&self, call: &Cleared) -> RunningTool {
        self.recorder.follow(call, || self.inner.start(call))
    }

    fn warm_up(&self, interpreter: &Cleared) {
        self.inner.warm_up(interpreter);
    }

    fn was_warm(&self) -> bool {
        self.inner.was_warm()
    }

    fn devices(&self, kinds: &[(UsbId, DeviceKind)]) -> DeviceList {
        kinds.clone_into(&mut self.kinds.borrow_mut());
        let devices = self.inner.devices(kinds);
        if let Ok(attached) = &devices {
            self.recorder.note(|recorded, at_ms| recorded.saw(attached, at_ms));
        }
        devices
    }

    fn others(&self, known: &[UsbId]) -> Result<Vec<OtherDevice>, NoBus> {
        self.inner.others(known)
    }

    fn node_path(&self, device: &AttachedDevice) -> Option<PathBuf> {
        self.inner.node_path(device)
    }

    fn node(&self, device: &AttachedDevice) -> Option<DeviceNode> {
        self.inner.node(device)
    }

    fn hold(&self, device: &AttachedDevice) -> Result<(), Vec<NodeHolder>> {
        self.inner.hold(device)
    }

    fn turns(&self) -> Option<&PlaceTurns> {
        self.inner.turns()
    }

    fn host(&self) -> Host {
        self.inner.host()
    }

    fn stay_awake(&self) -> Option<Box<dyn Awake>> {
        self.inner.stay_awake()
    }

    async fn devices_changed(&self) {
        tokio::select! {
            () = self.inner.devices_changed() => {}
            () = self.changed.notified() => {}
        }
    }

    fn ask(&self, ask: Ask<'_>) {
        let (asked, goes_on_by_itself) = match ask {
            Ask::Hands { until, .. } => (Asked::Hands, until.is_some()),
            Ask::Consent { .. } => (Asked::Consent, false),
            Ask::WhichBoard => (Asked::WhichBoard, false),
            Ask::Healthy => (Asked::Healthy, false),
            Ask::Answer { .. } => (Asked::Answer, false),
        };
        self.recorder.note(|recorded, at_ms| recorded.asked(asked, goes_on_by_itself, at_ms));
        *self.asked_ms.borrow_mut() = self.recorder.now_ms();
        self.inner.ask(ask);
    }

    fn moving_hands(&self) -> Option<&MovingHands> {
        self.inner.moving_hands()
    }

    async fn reply(&self) -> Reply {
        let reply = self.inner.reply().await;
        let after = self.recorder.now_ms().saturating_sub(*self.asked_ms.borrow());
        self.recorder.note(|recorded, _| recorded.replied(&reply, after));
        reply
    }

    fn interactive(&self) -> bool {
        self.inner.interactive()
    }

    fn who_agrees(&self) -> Option<&'static str> {
        self.inner.who_agrees()
    }

    /// The engine listens for it all the time, also while a tool runs: so here is where changes on the bus are seen at
    /// their time.
    async fn interrupted(&self) -> Interrupt {
        loop {
            tokio::select! {
                by = self.inner.interrupted() => {
                    self.recorder.note(|recorded, _| recorded.interrupted = true);
                    return by;
                }
                () = self.inner.devices_changed() => {
                    self.look();
                    // Who waits for the same news must not miss it.
                    self.changed.notify_waiters();
                }
            }
        }
    }
}

impl<W> fmt::Debug for RecordingWorld<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingWorld").field("recorder", &self.recorder).finish_non_exhaustive()
    }
}
