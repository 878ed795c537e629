//! What was written is read back through the real dfu-util, and compared.

use crate::bench::{Bench, expect_recovered, expect_words, start_camera_after};
use crate::directly::rom;
use crate::finished::{run, start};
use crate::requirements;
use crate::usb_simulation::device::Fault;

/// Of the 128 of the image.
const BLOCK: u32 = 77;

#[test]
fn a_cell_that_took_a_wrong_value_is_noticed_and_written_again() {
    if !requirements::met("a_cell_that_took_a_wrong_value_is_noticed_and_written_again") {
        return;
    }
    let (bench, rom) = (Bench::new(), rom().with_fault(Fault::WrongCellInBlock(BLOCK)));
    bench.bus.attach(&rom, "99-1");
    let recover = start(&mut bench.recover("h7.yaml"));
    start_camera_after(&bench, &rom, 2);
    let finished = expect_recovered(recover, &rom);
    assert_eq!(rom.counts().erased_pages, 2);
    expect_words(&finished, &["Write the bootloader once more"]);
}

#[test]
fn a_cell_that_stays_wrong_is_no_recovery() {
    if !requirements::met("a_cell_that_stays_wrong_is_no_recovery") {
        return;
    }
    let bench = Bench::with_steps(
        r#"
  - id: write
    run: dfu-util
    device: rom
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000", "-D", "${bootloader}"]
    timeout: 20s
  - id: read
    run: dfu-util
    device: rom
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000:${size(bootloader)}", "-U", "${copy}"]
    produces: copy
    timeout: 20s
  - id: compare
    check: sha256(copy) == sha256(bootloader)
    message: The bootloader in flash differs from the file.
"#,
    );
    let rom = rom().with_fault(Fault::WrongCellInBlock(BLOCK));
    bench.bus.attach(&rom, "99-1");
    let finished = run(&mut bench.recover("own.yaml")).expect_code(1);
    expect_words(&finished, &["NOT RECOVERED: The bootloader in flash differs from the file", "(compare)"]);
}
