//! The fixed texts of dfu-util 0.11, as recorded, and the names that DFU 1.1 gives to states and statuses.

pub(super) const DFUSE_VERSION: u16 = 0x011a;

pub(super) const BANNER: &str = "\
dfu-util 0.11

Copyright 2005-2009 Weston Schmidt, Harald Welte and OpenMoko Inc.
Copyright 2010-2021 Tormod Volden and Stefan Schmidt
This program is Free Software and has ABSOLUTELY NO WARRANTY
Please report bugs to http://sourceforge.net/p/dfu-util/tickets/

";

pub(super) const USAGE: &str = "\
Usage: dfu-util [options] ...
  -h --help			Print this help message
  -V --version			Print the version number
  -v --verbose			Print verbose debug statements
  -l --list			List currently attached DFU capable devices
  -e --detach			Detach currently attached DFU capable devices
  -E --detach-delay seconds	Time to wait before reopening a device after detach
  -d --device <vendor>:<product>[,<vendor_dfu>:<product_dfu>]
				Specify Vendor/Product ID(s) of DFU device
  -n --devnum <dnum>		Match given device number (devnum from --list)
  -p --path <bus-port. ... .port>	Specify path to DFU device
  -c --cfg <config_nr>		Specify the Configuration of DFU device
  -i --intf <intf_nr>		Specify the DFU Interface number
  -S --serial <serial_string>[,<serial_string_dfu>]
				Specify Serial String of DFU device
  -a --alt <alt>		Specify the Altsetting of the DFU Interface
				by name or by number
  -t --transfer-size <size>	Specify the number of bytes per USB Transfer
  -U --upload <file>		Read firmware from device into <file>
  -Z --upload-size <bytes>	Specify the expected upload size in bytes
  -D --download <file>		Write firmware from <file> into device
  -R --reset			Issue USB Reset signalling once we're finished
  -w --wait			Wait for device to appear
  -s --dfuse-address address<:...>	ST DfuSe mode string, specifying target
				address for raw file download or upload (not
				applicable for DfuSe file (.dfu) downloads).
				Add more DfuSe options separated with ':'
		leave		Leave DFU mode (jump to application)
		mass-erase	Erase the whole device (requires \"force\")
		unprotect	Erase read protected device (requires \"force\")
		will-reset	Expect device to reset (e.g. option bytes write)
		force		You really know what you are doing!
		<length>	Length of firmware to upload from device
";

const STATES: [&str; 11] = [
    "appIDLE",
    "appDETACH",
    "dfuIDLE",
    "dfuDNLOAD-SYNC",
    "dfuDNBUSY",
    "dfuDNLOAD-IDLE",
    "dfuMANIFEST-SYNC",
    "dfuMANIFEST",
    "dfuMANIFEST-WAIT-RESET",
    "dfuUPLOAD-IDLE",
    "dfuERROR",
];

const STATUSES: [&str; 16] = [
    "No error condition is present",
    "File is not targeted for use by this device",
    "File is for this device but fails some vendor-specific test",
    "Device is unable to write memory",
    "Memory erase function failed",
    "Memory erase check failed",
    "Program memory function failed",
    "Programmed memory failed verification",
    "Cannot program memory due to received address that is out of range",
    "Received DFU_DNLOAD with wLength = 0, but device does not think that it has all data yet",
    "Device's firmware is corrupt. It cannot return to run-time (non-DFU) operations",
    "iString indicates a vendor specific error",
    "Device detected unexpected USB reset signalling",
    "Device detected unexpected power on reset",
    "Something went wrong, but the device does not know what it was",
    "Device stalled an unexpected request",
];

pub(super) fn state_line(state: u8, status: u8) -> String {
    let name = |names: &[&'static str], number: u8| names.get(usize::from(number)).copied().unwrap_or("(unknown)");
    format!("DFU state({state}) = {}, status({status}) = {}\n", name(&STATES, state), name(&STATUSES, status))
}

/// The C library's words, without Rust's number behind them.
pub(super) fn system_error(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "No such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "Permission denied".to_owned(),
        std::io::ErrorKind::AlreadyExists => "File exists".to_owned(),
        _ => error.to_string(),
    }
}
