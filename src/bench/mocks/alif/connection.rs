//! Opening the port, and what the chip behind it tells.

use super::{Call, Step};
use crate::bench::boards::alif_se::{BAUD, Part, PortFound, Release, Stage};
use crate::bench::mocks::Halt;

/// An open port.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) port: String,
    pub(super) baud: u32,
    /// Is the camera behind it?
    camera: bool,
}

impl Connection {
    /// Opens the port of the configuration, or prints why not.
    pub(super) fn open(call: &mut Call<'_, '_>, port: String) -> Step<Self> {
        let now_ms = call.session.now_ms();
        let found = call.session.board()?.find_port(&port, now_ms);
        let refused = match found {
            PortFound::Camera | PortFound::Foreign => {
                let baud = call.options.baud.unwrap_or(BAUD);
                return Ok(Connection { port, baud, camera: found == PortFound::Camera });
            }
            PortFound::Denied => "[Errno 13] could not open port {}: [Errno 13] Permission denied: '{}'",
            PortFound::Nothing => "[Errno 2] could not open port {}: [Errno 2] No such file or directory: '{}'",
        };
        let refused = refused.replace("{}", &port);
        call.out(&format!("[ERROR] openSerial {refused}\n[ERROR] isp openSerial failed for {port}\n"));
        Err(Halt::Exit(1))
    }

    /// Which stage answers, if any does.
    pub(super) fn stage(&self, call: &mut Call<'_, '_>) -> Step<Option<Stage>> {
        Ok(if self.camera { call.session.board()?.answering(self.baud) } else { None })
    }

    pub(super) fn is_camera(&self) -> bool {
        self.camera
    }
}

/// How a release shows the part that the chip tells: the latest one with the NUL that ends it.
pub(super) fn shown_part(release: Release, part: &Part) -> String {
    let end = if release == Release::V1_110 { "\0" } else { "" };
    format!("{}{end}", part.number)
}

/// `-b`, or the part's own rate.
pub(super) fn shown_baud(call: &Call<'_, '_>) -> u32 {
    call.options.baud.unwrap_or(BAUD)
}
