//! Steps dropped, and neighbouring ones swapped.

use crate::documents::expression::{BinaryOperator, Expression, Function, Node, UnaryOperator};
use crate::documents::mutation::Mutant;
use crate::documents::mutation::spot::{CHANGED, Spot, Turn, list_at};
use crate::documents::playbook::{Below, Playbook, Step};
use crate::words::Id;

pub(super) fn mutants(playbook: &Playbook, spots: &[Spot<'_>]) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let top: Vec<Turn> = Vec::new();
    of_list(playbook, spots, &playbook.steps, None, &[top], &mut mutants);
    for spot in spots {
        for below in CHANGED {
            of_list(playbook, spots, spot.step.below(below), Some(below), &spot.paths, &mut mutants);
        }
    }
    mutants
}

/// `owners` are the ways to the step that the list belongs to: all of them see the change.
fn of_list(
    playbook: &Playbook,
    spots: &[Spot<'_>],
    steps: &[Step],
    below: Option<Below>,
    owners: &[Vec<Turn>],
    mutants: &mut Vec<Mutant>,
) {
    let label = |step: &Step| {
        let spot = spots.iter().find(|spot| spot.step.is_same_text(step));
        spot.map_or_else(|| step.id.to_string(), |spot| spot.label.clone())
    };
    let changed = |index: usize, change: &dyn Fn(&mut Vec<Step>)| {
        let mut playbook = playbook.clone();
        for owner in owners {
            let mut path = owner.clone();
            path.push(Turn { below, index });
            change(list_at(&mut playbook, &path)?);
        }
        Some(playbook)
    };
    let ids = |step: &Step| -> Vec<Id> {
        let spot = spots.iter().find(|spot| spot.step.is_same_text(step));
        spot.map(|spot| spot.ids.clone()).unwrap_or_default()
    };
    for (index, step) in steps.iter().enumerate() {
        // A group without its only step is no group.
        let whole_group = steps.len() == 1 && below == Some(Below::Group);
        if !whole_group && let Some(playbook) = changed(index, &|list| drop(list.remove(index))) {
            let name = format!("{}: dropped{}", label(step), from_where(below));
            mutants.push(Mutant { name, place: step.place.clone(), steps: ids(step), playbook });
        }
        let Some(next) = steps.get(index + 1).filter(|next| !commute(step, next)) else { continue };
        if let Some(playbook) = changed(index, &|list| list.swap(index, index + 1)) {
            let name = format!("{}: swapped with {}", label(step), label(next));
            let steps = [ids(step), ids(next)].concat();
            mutants.push(Mutant { name, place: step.place.clone(), steps, playbook });
        }
    }
}

fn from_where(below: Option<Below>) -> &'static str {
    match below {
        None | Some(Below::Group) => "",
        Some(Below::TellApart) => " from the question",
        Some(Below::Prepare) => " from the preparation",
        Some(Below::ProvenBy) => " from the proof",
        Some(Below::AlreadyDone) => " from the reading before",
        Some(Below::Verify) => " from the reading afterwards",
    }
}

/// Is the order of these two of no importance?
fn commute(one: &Step, other: &Step) -> bool {
    // The same step twice.
    if one.is_same_text(other) {
        return true;
    }
    match (&one.when, &other.when) {
        (Some(one_when), Some(other_when)) if are_opposites(&one_when.root, &other_when.root) => {
            let only_file = |step: &Step| step.writes().is_some();
            is_constant(one_when) && is_constant(other_when) || only_file(one) && only_file(other)
        }
        _ => false,
    }
}

/// Does exactly one of them hold?
fn are_opposites(one: &Node, other: &Node) -> bool {
    use BinaryOperator::{Greater, GreaterOrEqual, Less, LessOrEqual};
    match (one, other) {
        (Node::Unary { operator: UnaryOperator::Not, operand, .. }, other)
        | (other, Node::Unary { operator: UnaryOperator::Not, operand, .. }) => alike(operand, other),
        (
            Node::Binary { operator: one, left: one_left, right: one_right, .. },
            Node::Binary { operator: other, left: other_left, right: other_right, .. },
        ) => {
            let opposite = matches!(
                (one, other),
                (Less, GreaterOrEqual) | (GreaterOrEqual, Less) | (Greater, LessOrEqual) | (LessOrEqual, Greater)
            );
            opposite && alike(one_left, other_left) && alike(one_right, other_right)
        }
        _ => false,
    }
}

/// The same but for where they stand.
fn alike(one: &Node, other: &Node) -> bool {
    match (one, other) {
        (Node::Integer(one), Node::Integer(other)) => one == other,
        (Node::Text(one), Node::Text(other)) => one == other,
        (Node::Boolean(one), Node::Boolean(other)) => one == other,
        (Node::Name { name: one, .. }, Node::Name { name: other, .. }) => one == other,
        (
            Node::Call { function: one, arguments: of_one, .. },
            Node::Call { function: other, arguments: of_other, .. },
        ) => {
            let all =
                of_one.len() == of_other.len() && of_one.iter().zip(of_other).all(|(one, other)| alike(one, other));
            one == other && all
        }
        _ => false,
    }
}

/// Is its value the same during the whole run?
fn is_constant(expression: &Expression) -> bool {
    fn constant(node: &Node) -> bool {
        match node {
            Node::Integer(_) | Node::Text(_) | Node::Boolean(_) => true,
            Node::Name { .. } => false,
            Node::Call { function: Function::Given | Function::ToolVersion, .. } => true,
            Node::Call { function: Function::Present | Function::Port | Function::LimitMs, .. } => false,
            Node::Call { arguments, .. } => arguments.iter().all(constant),
            Node::Unary { operand, .. } => constant(operand),
            Node::Binary { left, right, .. } => constant(left) && constant(right),
        }
    }
    constant(&expression.root)
}
