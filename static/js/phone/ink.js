// What is drawn as a signature: is it one? The same rules as servicedesk/core/ink.py, which has the last word.
const FEWEST_POINTS = 20;
const SMALLEST_EXTENT = 30;
const SHORTEST_LINE = 60;
const DOT = 8;
const STRAIGHT = 0.04;
const QUICKEST = 150;

const distance = ([x, y], [u, v]) => Math.hypot(u - x, v - y);

// "" if it is one, else what is wrong: "blank" or "quick".
export function fault(strokes) {
  const lines = strokes.map(line).filter((each) => lengthOf(each) > DOT);
  const points = lines.flat();
  const [wide, high] = extent(points);
  const written = points.length >= FEWEST_POINTS && wide + high >= SMALLEST_EXTENT
    && lines.reduce((sum, each) => sum + lengthOf(each), 0) >= SHORTEST_LINE && !straight(points);
  if (!written) return "blank";
  const times = strokes.flat().map((point) => point.t);
  return Math.max(...times) - Math.min(...times) < QUICKEST ? "quick" : "";
}

// The stroke's points without those on which the finger rested.
function line(stroke) {
  const found = [];
  for (const { x, y } of stroke) if (!found.length || distance(found.at(-1), [x, y]) > 0) found.push([x, y]);
  return found;
}

function lengthOf(points) {
  return points.slice(1).reduce((sum, point, index) => sum + distance(points[index], point), 0);
}

function extent(points) {
  const side = (values) => (values.length ? Math.max(...values) - Math.min(...values) : 0);
  return [side(points.map(([x]) => x)), side(points.map(([, y]) => y))];
}

// All lies along one ruler's edge: the thin side of the points against the long one.
function straight(points) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [middleX, middleY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const moved = points.map(([x, y]) => [x - middleX, y - middleY]);
  const sum = (of) => moved.reduce((total, [x, y]) => total + of(x, y), 0);
  const angle = Math.atan2(2 * sum((x, y) => x * y), sum((x) => x * x) - sum((_x, y) => y * y)) / 2;
  const [along] = extent(moved.map(([x, y]) => [x * Math.cos(angle) + y * Math.sin(angle), 0]));
  const [across] = extent(moved.map(([x, y]) => [y * Math.cos(angle) - x * Math.sin(angle), 0]));
  return across < STRAIGHT * along;
}
