//! A catalog for the bench, which brings its own tools: whatever a document says, nothing else can be started by it.

use super::tool::{Catalog, PerOperatingSystem};

/// The catalog without places in which programs are looked for, and with no variables but those of the shipped one: a
/// variable, too, can make a program load another.
pub fn without_programs(mut catalog: Catalog, shipped: &Catalog) -> Catalog {
    for tool in &mut catalog.tools {
        let known = shipped.tool(&tool.name);
        tool.folders = PerOperatingSystem::default();
        tool.via = PerOperatingSystem::default();
        tool.environment = known.map(|known| known.environment.clone()).unwrap_or_default();
        tool.environment_without_home = known.map(|known| known.environment_without_home.clone()).unwrap_or_default();
    }
    catalog.environment_set.clone_from(&shipped.environment_set);
    catalog.environment_remove.clone_from(&shipped.environment_remove);
    catalog
}
