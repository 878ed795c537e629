//! Inputs that are large by repetition, and so are written as what is repeated.

pub(crate) const TERMS: usize = 5_000;

/// `a + 1 + 1 …`, brackets within brackets, and the like.
pub(crate) fn expressions() -> Vec<Vec<u8>> {
    let texts = [
        format!("count{}", " + 1".repeat(TERMS)),
        format!("{}count{}", "(".repeat(TERMS), ")".repeat(TERMS)),
        format!("{}yes", "not ".repeat(TERMS)),
        format!("{}1", "-".repeat(TERMS)),
        format!("yes{}", " and yes".repeat(TERMS)),
        format!("{}size(image){}", "hex(".repeat(TERMS), ")".repeat(TERMS)),
        format!("head({})", "image,".repeat(TERMS)),
        "${size(image)}".repeat(TERMS),
        format!("'{}'", "x".repeat(100_000)),
        "9".repeat(100_000),
    ];
    texts.map(String::into_bytes).into()
}

/// Aliases of aliases, and nests, as a value below `key`.
pub(crate) fn yaml(document: &str, key: &str) -> Vec<Vec<u8>> {
    let mut bomb = format!("{document}\na0: &a0 [x, x, x, x, x, x, x, x]\n");
    for level in 0..12 {
        let aliases = vec![format!("*a{level}"); 8].join(", ");
        bomb += &format!("a{}: &a{} [{aliases}]\n", level + 1, level + 1);
    }
    let texts = [
        format!("{bomb}{key}: *a12\n"),
        format!("{document}\n{key}: {}{}\n", "[".repeat(TERMS), "]".repeat(TERMS)),
        format!("{document}\n{key}: {}{}\n", "{a: ".repeat(TERMS), "}".repeat(TERMS)),
        format!(
            "{document}\n{key}:\n{}",
            (0..500).map(|depth| format!("{}- a:\n", " ".repeat(depth * 2))).collect::<String>()
        ),
        format!("{document}\n{key}: \"{}\"\n", "x".repeat(200_000)),
        format!("{document}\n{}", format!("{key}: 1\n").repeat(TERMS)),
        format!("{document}\n{}", (0..TERMS).map(|number| format!("{key}{number}: 1\n")).collect::<String>()),
        format!("{document}\n{key}: &a [*a]\n"),
        "a: ".repeat(TERMS),
        "- ".repeat(TERMS),
        "? ".repeat(TERMS),
    ];
    texts.map(String::into_bytes).into()
}

pub(crate) fn toml() -> Vec<Vec<u8>> {
    let tool = "summary = \"x\"\nprograms = [\"x\"]\n";
    let texts = [
        format!("[{}]\n{tool}", vec!["a"; TERMS].join(".")),
        format!("a = {}{}\n", "[".repeat(TERMS), "]".repeat(TERMS)),
        format!("a = {}1{}\n", "{ a = ".repeat(TERMS), " }".repeat(TERMS)),
        (0..TERMS).map(|number| format!("[t{number}]\n{tool}")).collect(),
        (0..TERMS).map(|number| format!("t{number} = 1\n")).collect(),
        format!("[x]\n{tool}faults = [{}]\n", "{ pattern = 'a', class = \"refused\", message = \"m\" },".repeat(2_000)),
        format!("[x]\n{tool}device_taken = '{}'\n", "(a|b)*".repeat(TERMS)),
        format!("[x]\n{tool}device_taken = '{}'\n", "(?:a{1000}){1000}"),
        format!("[x]\n{tool}device_taken = '{}a{}'\n", "(".repeat(TERMS), ")".repeat(TERMS)),
    ];
    texts.map(String::into_bytes).into()
}

pub(crate) fn layouts() -> Vec<Vec<u8>> {
    let texts = [
        format!("@Flash/0x0/{}1*1Bg", "1*1Bg,".repeat(TERMS)),
        format!("@Flash{}", "/0x0/1*1Bg".repeat(TERMS)),
        format!("@{}/0x0/1*1Bg", "x".repeat(100_000)),
    ];
    texts.map(String::into_bytes).into()
}

pub(crate) fn outputs() -> Vec<Vec<u8>> {
    let texts = [
        "\r".repeat(TERMS),
        "\u{1b}[".repeat(TERMS),
        "\u{1b}]0;".repeat(TERMS),
        "x".repeat(100_000),
        "é".repeat(50_000),
        "plain line\n".repeat(TERMS),
        "10%\r".repeat(TERMS),
    ];
    texts.map(String::into_bytes).into()
}
