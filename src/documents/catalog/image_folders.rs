//! Where programs keep the files that boards are brought back with.

use super::read_tool::{SYSTEMS, TEXTS_OF_SYSTEMS, per_system};
use super::tool::PerOperatingSystem;
use crate::documents::keys::{Shape, keys};
use crate::documents::reader::Reader;
use crate::documents::tree::{Key, Tree};

/// One table below `image_folders`.
#[derive(Debug, Clone)]
pub struct ImageFolders {
    /// What playbooks call it.
    pub name: String,
    /// What brings the files, for people.
    pub from: String,
    /// Each may hold a folder for each board, called by an alias of the board.
    pub folders: PerOperatingSystem<Vec<String>>,
    /// How one comes by the files.
    pub get: PerOperatingSystem<Option<String>>,
}

keys! {
    IMAGE_FOLDERS: ImageFoldersKeys = "image folders", part("image_folders");
    from: Shape::Text, "What brings the files, for people.", required();
    folders: TEXTS_OF_SYSTEMS,
        "Folders that hold one for each board: one list, or one for each operating system. ~, $NAME and globs are filled in.",
        required();
    get: SYSTEMS, "How one comes by the files: one sentence, or one for each operating system.";
}

pub(super) fn image_folders(reader: &mut Reader, name: &Key, tree: &Tree) -> Option<ImageFolders> {
    let parts = reader.parts_of_named((&name.text, &name.place), tree, &IMAGE_FOLDERS)?;
    let from = reader.plain_text(parts.get(IMAGE_FOLDERS.from));
    let folders = per_system(reader, parts.get(IMAGE_FOLDERS.folders), Reader::plain_texts);
    let get = per_system(reader, parts.get(IMAGE_FOLDERS.get), Reader::plain_text);
    Some(ImageFolders { name: name.text.clone(), from: from?, folders, get })
}
