//! Holds a scene against the catalog of tools.

use crate::documents::catalog::{Catalog, Tool};
use crate::documents::scene::{Scene, SceneTool};
use crate::words::{Code, Diagnostic, nearest};

/// What is wrong with a scene that was read without a diagnostic.
pub fn check_scene(scene: &Scene, catalog: &Catalog) -> Vec<Diagnostic> {
    scene.tools.iter().filter_map(|tool| check_tool(tool, catalog)).collect()
}

fn check_tool(scene_tool: &SceneTool, catalog: &Catalog) -> Option<Diagnostic> {
    let name = &scene_tool.name;
    let Some(tool) = catalog.tool(&name.value) else {
        let diagnostic = Diagnostic::error(
            Code::UnknownTool,
            &name.place,
            format!("the tool `{}` is not in the catalog", name.value),
        );
        let known = catalog.tools.iter().map(|tool| tool.name.as_str());
        return Some(match nearest(&name.value, known) {
            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
            None => diagnostic.hint("tools of your own are described in `vendor-tools.toml`"),
        });
    };
    let flavour = scene_tool.flavour.as_ref()?;
    let recognised = recognised_flavour(tool, &scene_tool.version.value);
    if recognised == Some(Some(flavour.value.as_str())) {
        return None;
    }
    let what = match recognised {
        Some(Some(other)) => format!("the catalog takes this version of {} for the flavour `{other}`", name.value),
        Some(None) => format!("the catalog knows no flavours of {}", name.value),
        None => format!("the catalog recognises no version of {} in this text", name.value),
    };
    let known: Vec<&str> = tool.version.flavours.iter().filter_map(|flavour| flavour.name.as_deref()).collect();
    let diagnostic = Diagnostic::error(Code::UnknownName, &flavour.place, what);
    Some(if known.is_empty() { diagnostic } else { diagnostic.hint(format!("known are {}", known.join(", "))) })
}

fn recognised_flavour<'a>(tool: &'a Tool, text: &str) -> Option<Option<&'a str>> {
    let fits = |line: &str| tool.version.flavours.iter().find(|flavour| flavour.pattern.is_match(line));
    text.lines().find_map(fits).map(|flavour| flavour.name.as_deref())
}
