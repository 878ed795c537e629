//! The JSON schema of a kind of document, from the declarations of its keys.

use serde_json::{Map, Value, json};

use crate::documents::keys::{Declared, MapKind, Need, Shape, Way, Ways};

/// The schema of documents whose outermost map is this one.
pub(in crate::documents) fn schema(document: &MapKind) -> Value {
    let mut parts = Map::new();
    let mut schema = of_map(document, &mut parts);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!(document.title);
    schema["$defs"] = Value::Object(parts);
    schema
}

/// The schema of a value, which refers to the parts of the document's own.
pub(in crate::documents) fn shape(shape: &Shape) -> Value {
    of_shape(shape, &mut Map::new())
}

/// As `recover schema` prints it.
pub fn printed(schema: &Value) -> String {
    format!("{schema:#}\n")
}

fn of_map(kind: &MapKind, parts: &mut Map<String, Value>) -> Value {
    let mut schema = json!({"type": "object"});
    if !kind.about.is_empty() {
        schema["description"] = json!(kind.about);
    }
    let mut properties = Map::new();
    for key in kind.keys {
        let mut property = of_shape(&key.shape, parts);
        property["description"] = json!(key.about);
        properties.insert(key.name.to_owned(), property);
        add_companions(&mut schema, key);
    }
    schema["properties"] = Value::Object(properties);
    schema["additionalProperties"] = match &kind.others {
        Some(Shape::AnyMap) => json!(true),
        Some(shape) => of_shape(shape, parts),
        None => json!(false),
    };
    let required: Vec<&str> = kind.keys.iter().filter(|key| key.need == Need::Required).map(|key| key.name).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    match kind.ways {
        Ways::Any => {}
        Ways::NotEmpty => schema["minProperties"] = json!(1),
        Ways::OneOf(ways) => schema["oneOf"] = ways.iter().map(of_way).collect(),
        Ways::AtLeastOneOf(ways) => schema["anyOf"] = ways.iter().map(of_way).collect(),
    }
    schema
}

fn add_companions(schema: &mut Value, key: &Declared) {
    match key.beside {
        [] => {}
        [all] => schema["dependentRequired"][key.name] = json!(all),
        several => {
            let ways: Vec<Value> = several.iter().map(|all| json!({"required": all})).collect();
            schema["dependentSchemas"][key.name] = json!({"anyOf": ways});
        }
    }
}

fn of_way(way: &Way) -> Value {
    match way {
        Way::With(keys) => json!({"required": keys}),
        Way::Alone(key) => json!({"required": [key], "maxProperties": 1}),
        Way::Without(key, other) => json!({"required": [key], "properties": {*other: false}}),
    }
}

fn of_shape(shape: &Shape, parts: &mut Map<String, Value>) -> Value {
    match shape {
        Shape::Text => json!({"type": "string"}),
        Shape::TextLike(pattern) => json!({"type": "string", "pattern": pattern}),
        Shape::Scalar => json!({"type": ["string", "number", "boolean"]}),
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::YesOrNo => json!({"enum": [true, false, "yes", "no"]}),
        Shape::AnyInteger => json!({"type": "integer"}),
        Shape::From(least) => json!({"type": "integer", "minimum": least}),
        Shape::Integer(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Shape::OnlyNumber(only) => json!({"const": only}),
        Shape::Only(word) => json!({"const": word}),
        Shape::OnlyTrue => json!({"const": true}),
        Shape::Words(words) => json!({"enum": words()}),
        Shape::Numbers(numbers) => json!({"enum": numbers()}),
        Shape::Map(kind) => of_kind(kind(), parts),
        Shape::AnyMap => json!({"type": "object"}),
        Shape::Named(each) => json!({"type": "object", "additionalProperties": of_shape(each, parts)}),
        Shape::NamedByWords(words, each) => {
            let mut properties = Map::new();
            for (word, about) in words() {
                let mut property = of_shape(each, parts);
                property["description"] = json!(about);
                properties.insert(word.to_owned(), property);
            }
            json!({"type": "object", "additionalProperties": false, "properties": properties})
        }
        Shape::List(item) => json!({"type": "array", "items": of_shape(item, parts)}),
        Shape::SomeList(item) => json!({"type": "array", "minItems": 1, "items": of_shape(item, parts)}),
        Shape::Either(shapes) => {
            let shapes: Vec<Value> = shapes.iter().map(|shape| of_shape(shape, parts)).collect();
            json!({"anyOf": shapes})
        }
        Shape::About(about, shape) => {
            let mut described = of_shape(shape, parts);
            described["description"] = json!(about);
            described
        }
        Shape::Part(name, about, shape) => {
            if !parts.contains_key(*name) {
                let mut part = of_shape(shape, parts);
                if !about.is_empty() {
                    part["description"] = json!(about);
                }
                parts.insert((*name).to_owned(), part);
            }
            reference(name)
        }
    }
}

fn of_kind(kind: &MapKind, parts: &mut Map<String, Value>) -> Value {
    let Some(name) = kind.name else { return of_map(kind, parts) };
    if !parts.contains_key(name) {
        // A step holds steps.
        parts.insert(name.to_owned(), Value::Null);
        let part = of_map(kind, parts);
        parts.insert(name.to_owned(), part);
    }
    reference(name)
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}
