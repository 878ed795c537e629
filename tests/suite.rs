//! The tests that need nothing but the program and the library, in one crate: linking thirty costs more than running them.
//! Crates of their own are those that replace the allocator, and those that drive something real.

mod support;

mod ae3;
mod alif_texts;
mod bad_input;
mod cases;
mod catalogs;
#[cfg(target_os = "linux")]
mod causes;
mod check;
mod check_rules;
mod dfu_util_transcripts;
mod engine;
mod examples;
mod fault_matrix;
mod firmware;
mod first_contact;
mod floods;
mod folders;
mod foreign;
mod full_output;
mod hostile_text;
mod installed_tools;
mod interruptions;
mod libusb_codes;
#[cfg(target_os = "linux")]
mod moving_hands;
mod n6;
mod open;
mod orphans;
mod plans;
mod proving;
#[cfg(unix)]
mod python;
mod readme;
mod records;
mod rt1062;
mod scenes;
#[cfg(unix)]
mod schemas;
mod shipped;
mod shipped_suite;
mod test_files;
mod tools_first;
mod transcripts;
mod waiting_tools;
mod which_board;
mod wrong_files;
