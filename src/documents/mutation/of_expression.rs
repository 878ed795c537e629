//! Conditions and numbers that are nearly right.

use crate::documents::expression::{BinaryOperator, Expression, Node, UnaryOperator};

/// The expression with each of its parts changed in turn, and what was changed.
pub(super) fn changed(expression: &Expression) -> Vec<(String, Expression)> {
    let with_root = |(name, root): (String, Node)| (name, Expression { root, ..expression.clone() });
    of_node(&expression.root).into_iter().map(with_root).collect()
}

/// The expression that holds exactly where this one does not.
pub(super) fn negated(expression: &Expression) -> Expression {
    let operand = Box::new(expression.root.clone());
    Expression { root: Node::Unary { operator: UnaryOperator::Not, operand, start: 0, end: 0 }, ..expression.clone() }
}

fn of_node(node: &Node) -> Vec<(String, Node)> {
    match node {
        Node::Integer(number) => {
            let wrong = wrong_number(*number);
            vec![(format!("{number:#x} → {wrong:#x}"), Node::Integer(wrong))]
        }
        Node::Text(text) => {
            wrong_text(text).map(|wrong| (format!("'{text}' → '{wrong}'"), Node::Text(wrong))).into_iter().collect()
        }
        Node::Boolean(_) | Node::Name { .. } => Vec::new(),
        Node::Call { function, arguments, start, end } => {
            let mut changed = Vec::new();
            for (index, argument) in arguments.iter().enumerate() {
                for (name, other) in of_argument(argument) {
                    let mut arguments = arguments.clone();
                    arguments[index] = other;
                    changed.push((name, Node::Call { function: *function, arguments, start: *start, end: *end }));
                }
            }
            changed
        }
        Node::Unary { operator, operand, start, end } => {
            let around = |(name, operand)| {
                (name, Node::Unary { operator: *operator, operand: Box::new(operand), start: *start, end: *end })
            };
            of_node(operand).into_iter().map(around).collect()
        }
        Node::Binary { operator, left, right, start, end } => {
            let binary = |operator, left: &Node, right: &Node| {
                let (left, right) = (Box::new(left.clone()), Box::new(right.clone()));
                Node::Binary { operator, left, right, start: *start, end: *end }
            };
            let mut changed = Vec::new();
            if let Some((name, other)) = nearly(*operator) {
                changed.push((name.to_owned(), binary(other, left, right)));
            }
            if matches!(operator, BinaryOperator::And | BinaryOperator::Or) {
                changed.push(("only the left side of `and`/`or`".to_owned(), left.as_ref().clone()));
                changed.push(("only the right side of `and`/`or`".to_owned(), right.as_ref().clone()));
            }
            changed.extend(of_node(left).into_iter().map(|(name, left)| (name, binary(*operator, &left, right))));
            changed.extend(of_node(right).into_iter().map(|(name, right)| (name, binary(*operator, left, &right))));
            changed
        }
    }
}

/// The name of a tool, in `tool_version('…')`, is no value.
fn of_argument(node: &Node) -> Vec<(String, Node)> {
    match node {
        Node::Text(text) if !text.starts_with(|first: char| first.is_ascii_digit()) => Vec::new(),
        node => of_node(node),
    }
}

/// The operator that is mixed up with this one.
fn nearly(operator: BinaryOperator) -> Option<(&'static str, BinaryOperator)> {
    use BinaryOperator::{Greater, GreaterOrEqual, Less, LessOrEqual};
    Some(match operator {
        Less => ("`<` → `<=`", LessOrEqual),
        LessOrEqual => ("`<=` → `<`", Less),
        Greater => ("`>` → `>=`", GreaterOrEqual),
        GreaterOrEqual => ("`>=` → `>`", Greater),
        _ => return None,
    })
}

/// A mask or a page of another size, else the next number.
fn wrong_number(number: i64) -> i64 {
    let mask = u64::try_from(number).is_ok_and(|number| number > 1 && number.is_power_of_two());
    if mask { number.saturating_mul(2) } else { number.saturating_add(1) }
}

/// Another last digit; a text without one is left.
fn wrong_text(text: &str) -> Option<String> {
    let last = text.chars().last()?;
    let digit = last.to_digit(10)?;
    Some(format!("{}{}", &text[..text.len() - 1], (digit + 1) % 10))
}
