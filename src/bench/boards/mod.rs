//! The virtual boards, one room or file for each model.

pub(in crate::bench) mod alif_se;
pub(in crate::bench) mod imx_rt;
pub(in crate::bench) mod own_bootloader;
#[cfg(test)]
mod own_bootloader_tests;
pub(in crate::bench) mod plain_dfu;
pub(in crate::bench) mod plain_usb;
#[cfg(test)]
mod settings_tests;
pub(in crate::bench) mod stm32_rom;
pub(in crate::bench) mod stm32n6;
pub(in crate::bench) mod virtual_model;
