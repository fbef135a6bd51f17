//! The points of drawings.

use super::MAX_POINTS;
use super::object::{OUT_OF_RANGE, workspace_point};
use super::pdu::*;
use super::types::Point;
use crate::error::WriteError;
use crate::per::{Int, List};

/// The points of a drawing, the anchor point first.
pub(super) struct Stroke {
    pub(super) points: [Point; MAX_POINTS],
    pub(super) len: usize,
}

impl Stroke {
    pub(super) fn new(points: impl Iterator<Item = Point>) -> Result<Self, WriteError> {
        let mut stroke = Self { points: [Point::new(0, 0); MAX_POINTS], len: 0 };
        for point in points {
            stroke.set(stroke.len, point)?;
        }
        Ok(stroke)
    }

    /// Changes a point, or lengthens the line by one.
    pub(super) fn set(&mut self, at: usize, point: Point) -> Result<(), WriteError> {
        if at > self.len {
            return Err(OUT_OF_RANGE);
        }
        *self.points.get_mut(at).ok_or(OUT_OF_RANGE)? = point;
        self.len = self.len.max(at + 1);
        Ok(())
    }

    pub(super) fn as_slice(&self) -> &[Point] {
        self.points.get(..self.len).unwrap_or_default()
    }

    /// Gives the anchor point and the shortest list of the others to `then`.
    pub(super) fn with_list<R>(
        &self,
        then: impl FnOnce(WorkspacePoint, PointList<'_>) -> Result<R, WriteError>,
    ) -> Result<R, WriteError> {
        let points = self.as_slice();
        let (anchor, behind) = points.split_first().ok_or(OUT_OF_RANGE)?;
        let mut widest = 0;
        for pair in points.windows(2) {
            let [from, to] = pair else { continue };
            workspace_point(*to)?;
            let diff = [to.x.saturating_sub(from.x), to.y.saturating_sub(from.y)];
            for diff in diff {
                // How far it is from 0 in the direction that has one number more.
                widest = widest.max(if diff < 0 { !diff } else { diff });
            }
        }
        let diff = |number: usize| {
            let from = points.get(number).copied().unwrap_or_default();
            let to = behind.get(number).copied().unwrap_or_default();
            (i64::from(to.x.saturating_sub(from.x)), i64::from(to.y.saturating_sub(from.y)))
        };
        let anchor = workspace_point(*anchor)?;
        let len = behind.len();
        macro_rules! list {
            ($diff:ident) => {
                &|number| {
                    let (x, y) = diff(number);
                    $diff {
                        x_coordinate: Int::new(x).unwrap_or(Int::ZERO),
                        y_coordinate: Int::new(y).unwrap_or(Int::ZERO),
                    }
                }
            };
        }
        match widest {
            ..8 => then(anchor, PointList::PointsDiff4(List::made(len, list!(PointDiff4)))),
            8..128 => then(anchor, PointList::PointsDiff8(List::made(len, list!(PointDiff8)))),
            128..32768 => {
                then(anchor, PointList::PointsDiff16(List::made(len, list!(PointDiff16))))
            }
            _ => Err(OUT_OF_RANGE),
        }
    }
}
