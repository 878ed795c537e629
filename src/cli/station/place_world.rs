//! The world of one place among several: what the world of its run is, with the turns of the places, and on benches with
//! the other benches' boards on the same bus.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::documents::playbook::DeviceKind;
use crate::words::{PlaceNumber, UsbId};
use crate::world::{
    Ask, AttachedDevice, Awake, Cleared, DeviceList, DeviceNode, Host, Interrupt, MovingHands, NoBus, NodeHolder,
    OtherDevice, PlaceTurns, Reply, RunningTool, World,
};

/// What the virtual boards of all places show, so that each sees the others. A real bus shows that by itself.
#[derive(Debug, Clone, Default)]
pub(super) struct VirtualBus {
    shown: Arc<Mutex<BTreeMap<PlaceNumber, Vec<AttachedDevice>>>>,
}

impl VirtualBus {
    fn shown(&self) -> MutexGuard<'_, BTreeMap<PlaceNumber, Vec<AttachedDevice>>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers with what the others show.
    fn shows(&self, place: PlaceNumber, devices: &[AttachedDevice]) -> Vec<AttachedDevice> {
        let mut shown = self.shown();
        shown.insert(place, devices.to_vec());
        let others = shown.iter().filter(|(other, _)| **other != place);
        // Which of several adapters is whose their ports do not say.
        let others = others.flat_map(|(_, devices)| devices).filter(|device| device.kind != DeviceKind::Serial);
        others.cloned().collect()
    }

    /// The board is taken away.
    pub(super) fn takes_away(&self, place: PlaceNumber) {
        self.shown().remove(&place);
    }
}

pub(super) struct PlaceWorld<'w, W> {
    inner: &'w W,
    turns: PlaceTurns,
    /// Of a simulation.
    others: Option<(PlaceNumber, VirtualBus)>,
}

impl<'w, W: World> PlaceWorld<'w, W> {
    pub(super) fn new(inner: &'w W, turns: PlaceTurns) -> Self {
        PlaceWorld { inner, turns, others: None }
    }

    pub(super) fn beside(self, place: PlaceNumber, bus: VirtualBus) -> Self {
        PlaceWorld { others: Some((place, bus)), ..self }
    }
}

impl<W: World> World for PlaceWorld<'_, W> {
    fn start(&self, call: &Cleared) -> RunningTool {
        self.inner.start(call)
    }

    fn warm_up(&self, interpreter: &Cleared) {
        self.inner.warm_up(interpreter);
    }

    fn was_warm(&self) -> bool {
        self.inner.was_warm()
    }

    fn devices(&self, kinds: &[(UsbId, DeviceKind)]) -> DeviceList {
        let mut devices = self.inner.devices(kinds)?;
        if let Some((place, bus)) = &self.others {
            let others = bus.shows(*place, &devices);
            devices.extend(others.into_iter().filter(|other| kinds.iter().any(|(id, _)| *id == other.id)));
        }
        Ok(devices)
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
        Some(&self.turns)
    }

    fn host(&self) -> Host {
        self.inner.host()
    }

    fn stay_awake(&self) -> Option<Box<dyn Awake>> {
        self.inner.stay_awake()
    }

    async fn devices_changed(&self) {
        self.inner.devices_changed().await;
    }

    fn ask(&self, ask: Ask<'_>) {
        self.inner.ask(ask);
    }

    fn moving_hands(&self) -> Option<&MovingHands> {
        self.inner.moving_hands()
    }

    async fn reply(&self) -> Reply {
        self.inner.reply().await
    }

    fn interactive(&self) -> bool {
        self.inner.interactive()
    }

    fn who_agrees(&self) -> Option<&'static str> {
        self.inner.who_agrees()
    }

    async fn interrupted(&self) -> Interrupt {
        self.inner.interrupted().await
    }
}

impl<W> fmt::Debug for PlaceWorld<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlaceWorld").field("turns", &self.turns).finish_non_exhaustive()
    }
}
