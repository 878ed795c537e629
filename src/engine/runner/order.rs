//! What a run is given: the playbook, the tools, and what the person decided before. Nothing of it changes during the run.

use std::collections::{BTreeMap, BTreeSet};

use crate::documents::catalog::Catalog;
use crate::documents::expression::Value;
use crate::documents::playbook::Playbook;
use crate::engine::Tools;
use crate::engine::devices::Chosen;
use crate::words::Id;

/// What the person decided before the run.
#[derive(Debug, Clone)]
pub struct Settings {
    pub chosen: Chosen,
    /// Steps whose irreversible act is agreed to.
    pub allow_irreversible: BTreeSet<Id>,
    /// The playbook's variables, each with its value in this run.
    pub variables: BTreeMap<Id, Value>,
    pub simulated: bool,
    /// Every call starts its tool anew.
    pub single_calls: bool,
    /// Path of the playbook, or its shipped name.
    pub playbook_name: String,
    pub shipped: bool,
}

/// Everything a run needs that does not change during it.
#[derive(Debug)]
pub struct Order<'a> {
    pub playbook: &'a Playbook,
    pub catalog: &'a Catalog,
    pub tools: Tools<'a>,
    pub settings: &'a Settings,
}
