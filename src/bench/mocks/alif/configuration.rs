//! What the tools read from their folder, which must be the working folder: the part, and the serial port.

use super::{Call, Step};
use crate::bench::boards::alif_se::{Part, Release};
use crate::bench::mocks::Halt;

const CONFIGURATION: &str = "utils/global-cfg.db";
const PORT_FILE: &str = "isp_config_data.cfg";
/// The port that the latest release takes for "none given".
const BUILT_IN_PORT: &str = "COM3";

/// The part that was chosen, as the tools know it.
#[derive(Debug, Clone)]
pub(super) struct Configured {
    pub(super) part: Part,
    /// Such as `B4`.
    pub(super) revision: String,
}

pub(super) fn check_folder(call: &mut Call<'_, '_>) -> Step<()> {
    if call.session.path("utils").is_dir() {
        return Ok(());
    }
    Err(call.traceback("ModuleNotFoundError: No module named 'serialport'"))
}

pub(super) fn read(call: &mut Call<'_, '_>) -> Step<Configured> {
    let Ok(text) = std::fs::read_to_string(call.session.path(CONFIGURATION)) else {
        return Err(call.traceback(&no_such_file(CONFIGURATION)));
    };
    let Ok(json) = serde_json::from_str::<serde_json::Value>(&text) else {
        return Err(stop(call, "ERROR in JSON file.\n"));
    };
    let device = |key: &str| json["DEVICE"][key].as_str().map(str::to_owned);
    let Some(revision) = device("Revision") else {
        return Err(stop(call, "Parameter 'Revision' is not configured\n"));
    };
    let burner = &json["MRAM-BURNER"];
    if !burner["Interface"].is_string() || !burner["Jtag-adapter"].is_string() {
        return Err(call.traceback("KeyError: 'MRAM-BURNER'"));
    }
    let key = device("Part#").unwrap_or_default();
    let Some(part) = call.session.board()?.parts().find(|part| part.key == key).cloned() else {
        return Err(call.traceback(&format!("KeyError: '{key}'")));
    };
    let revisions: &[&str] = if call.release == Release::V1_110 { &["B4"] } else { &["B4", "B3", "B2"] };
    if !revisions.contains(&revision.as_str()) {
        return Err(stop(call, "Revision is invalid!\n"));
    }
    Ok(Configured { part, revision })
}

/// The answer `y` to the question about the part.
pub(super) fn write(call: &Call<'_, '_>, part: &Part, revision: &str) {
    let text = format!(
        "{{\n    \"DEVICE\": {{\n        \"Part#\": \"{}\",\n        \"Revision\": \"{revision}\"\n    }},\n    \
         \"MRAM-BURNER\": {{\n        \"Interface\": \"isp\",\n        \"Jtag-adapter\": \"J-Link\"\n    }}\n}}\n",
        part.key
    );
    // What cannot be written is found by the next tool that reads it.
    let _found_later = std::fs::write(call.session.path(CONFIGURATION), text);
}

/// The name of the port to open; empty when the file makes no sense.
pub(super) fn port(call: &mut Call<'_, '_>) -> Step<String> {
    if let Some(port) = call.options.port.clone().filter(|port| port != BUILT_IN_PORT) {
        return Ok(port);
    }
    match std::fs::read_to_string(call.session.path(PORT_FILE)) {
        Ok(text) if !call.options.ask_port => Ok(port_in(&text)),
        _ => ask_port(call),
    }
}

/// Split at single blanks, the line must have exactly two fields.
fn port_in(text: &str) -> String {
    let port = text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        match fields.as_slice() {
            ["comport", port] => Some((*port).to_owned()),
            _ => None,
        }
    });
    port.unwrap_or_default()
}

fn ask_port(call: &mut Call<'_, '_>) -> Step<String> {
    let now_ms = call.session.now_ms();
    let ports = call.session.board()?.ports(now_ms);
    if ports.is_empty() {
        call.out("[ERROR] Cannot found active COM port\n");
        save_port(call, BUILT_IN_PORT);
        return Ok(BUILT_IN_PORT.to_owned());
    }
    let mut prompt = format!("COM ports detected = {}\n", ports.len());
    for port in &ports {
        prompt.push_str(&format!("-> {port:<20}\n"));
    }
    prompt.push_str("Enter port name:");
    let Some(answer) = call.session.ask(&prompt)? else {
        call.out(" Operation cancelled by the user!\n");
        return Err(Halt::Exit(0));
    };
    let port = match answer.trim() {
        "" => ports.last().cloned().unwrap_or_default(),
        name => {
            if !ports.iter().any(|port| port == name) {
                call.out(&format!("[ERROR] {name} is not a valid port name\n"));
            }
            name.to_owned()
        }
    };
    save_port(call, &port);
    Ok(port)
}

fn save_port(call: &Call<'_, '_>, port: &str) {
    let rest = if call.release == Release::V1_110 {
        "timeout tx 2.0\ntimeout rx 0.5\nstopbits 1\nbytesize 8\nrtscts   False\nxonxoff  False\n"
    } else {
        "timeout tx 2\ntimeout rx 0\nstopbits 1\nbytesize 8\nrtscts 0\nxonxoff 0\n"
    };
    // What cannot be written is asked for again by the next tool.
    let _asked_again = std::fs::write(call.session.path(PORT_FILE), format!("comport {port}\n{rest}"));
}

pub(super) fn no_such_file(path: &str) -> String {
    format!("FileNotFoundError: [Errno 2] No such file or directory: '{path}'")
}

fn stop(call: &mut Call<'_, '_>, text: &str) -> Halt {
    call.out(text);
    Halt::Exit(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_line_has_exactly_two_fields() {
        assert_eq!(port_in("timeout tx 2\ncomport /dev/ttyUSB0\r\n"), "/dev/ttyUSB0");
        assert_eq!(port_in("comport  /dev/ttyUSB0\n"), "");
        assert_eq!(port_in("comport=/dev/ttyUSB0\n"), "");
    }
}
