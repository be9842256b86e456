// Draws each [data-chart] (servicedesk.desk.managers.charts) with ECharts, in the colours of the theme.
// No HTML in tooltips (renderMode richText), so the page's content security policy holds. Series differ
// by pattern or mark, not by colour alone. [data-chart-png] saves the picture.
import { onContent } from "./content.js";

const PALETTE = ["info", "active", "good", "wait", "bad", "neutral"];
const MARKS = ["circle", "rect", "triangle", "diamond", "pin", "arrow"];
const DASHES = ["solid", "dashed", "dotted"];
const drawn = new Map();

function colours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  const tones = Object.fromEntries(PALETTE.map((tone) => [tone, read(`${tone}-mark`)]));
  return {
    tones,
    ink: read("ink"),
    ink2: read("ink-2"),
    ink3: read("ink-3"),
    line: read("line"),
    surface: read("surface"),
    raised: read("raised"),
    soft: read("info-soft"),
  };
}

const fontFamily = () => getComputedStyle(document.body).fontFamily;
const shown = (value, unit) => (value === null || value === undefined ? "—" : `${value}${unit ? ` ${unit}` : ""}`);

function tooltip(chart, colour) {
  return {
    renderMode: "richText",
    confine: true,
    backgroundColor: colour.raised,
    borderColor: colour.line,
    textStyle: { color: colour.ink, fontSize: 13 },
    formatter(hits) {
      const list = Array.isArray(hits) ? hits : [hits];
      const lines = list
        .filter((hit) => chart.series[hit.seriesIndex])
        .map((hit) => {
          const series = chart.series[hit.seriesIndex];
          const note = series.notes[hit.dataIndex];
          return `${series.name}: ${shown(series.values[hit.dataIndex], chart.unit)}${note ? `  (${note})` : ""}`;
        });
      return [chart.labels[list[0].dataIndex], ...lines].join("\n");
    },
  };
}

function targets(chart, colour) {
  if (!chart.targets.length) return undefined;
  return {
    silent: true,
    symbol: "none",
    lineStyle: { color: colour.ink3, type: "dashed", width: 1 },
    label: { color: colour.ink2, formatter: ({ name, value }) => `${name} ${shown(value, chart.unit)}` },
    // One label above its line and the next below: they may lie close.
    data: chart.targets.map(([name, value], number) => ({
      name,
      yAxis: value,
      label: { position: number % 2 ? "insideEndBottom" : "insideEndTop" },
    })),
  };
}

// Percentages lie near the top: lines need no room for what never happens. Bars start at nothing.
function floor(chart) {
  if (chart.unit !== "%" || chart.kind !== "line") return 0;
  const values = [...chart.series.flatMap((series) => series.values), ...chart.targets.map((target) => target[1])];
  const least = Math.min(100, ...values.filter((value) => value !== null));
  return Math.max(0, Math.floor((least - 5) / 10) * 10);
}

function cartesian(chart, colour) {
  const lying = chart.kind === "bars";
  const words = {
    type: "category",
    data: chart.labels,
    inverse: lying,
    axisLine: { lineStyle: { color: colour.line } },
    axisTick: { show: false },
    axisLabel: { color: colour.ink2, hideOverlap: true, width: lying ? 150 : undefined, overflow: lying ? "truncate" : undefined },
  };
  const amounts = {
    type: "value",
    minInterval: chart.unit === "%" ? undefined : 1,
    min: floor(chart),
    max: chart.unit === "%" ? 100 : undefined,
    axisLabel: { color: colour.ink2, formatter: chart.unit === "%" ? "{value} %" : "{value}" },
    splitLine: { lineStyle: { color: colour.line } },
  };
  const series = chart.series.map((series, number) => {
    const kind = series.kind || (chart.kind === "line" ? "line" : "bar");
    const tint = colour.tones[series.tone || PALETTE[number % PALETTE.length]];
    return {
      name: series.name,
      type: kind,
      stack: chart.kind === "stacked" && kind === "bar" ? "all" : undefined,
      data: series.values,
      connectNulls: false,
      symbol: MARKS[number % MARKS.length],
      symbolSize: 8,
      barMaxWidth: 26,
      itemStyle: { color: tint },
      lineStyle: { color: tint, width: 2, type: DASHES[number % DASHES.length] },
      label: lying ? { show: true, position: "right", color: colour.ink2 } : undefined,
      markLine: number === 0 ? targets(chart, colour) : undefined,
    };
  });
  return {
    xAxis: lying ? amounts : words,
    yAxis: lying ? words : amounts,
    series,
    legend: chart.series.length > 1 ? { top: 0, textStyle: { color: colour.ink2 }, itemWidth: 28 } : undefined,
    grid: { left: 8, right: lying ? 48 : 16, top: chart.series.length > 1 ? 40 : 20, bottom: 4, containLabel: true },
    tooltip: { ...tooltip(chart, colour), trigger: "axis", axisPointer: { type: chart.kind === "line" ? "line" : "shadow" } },
  };
}

// One dot for each label and row: the larger, the more. A single series in `values` per row.
function punch(chart, colour) {
  const most = Math.max(1, ...chart.series.flatMap((series) => series.values));
  const axis = { axisTick: { show: false }, axisLine: { lineStyle: { color: colour.line } }, axisLabel: { color: colour.ink2 } };
  return {
    xAxis: { type: "category", data: chart.labels, ...axis, axisLabel: { color: colour.ink2, hideOverlap: true } },
    yAxis: { type: "category", inverse: true, data: chart.series.map((series) => series.name), ...axis, splitLine: { show: true, lineStyle: { color: colour.line } } },
    series: [
      {
        type: "scatter",
        data: chart.series.flatMap((series, row) => series.values.map((value, column) => [column, row, value]).filter((dot) => dot[2])),
        symbolSize: (dot) => 5 + 15 * Math.sqrt(dot[2] / most),
        itemStyle: { color: colour.tones.info, opacity: 0.85 },
      },
    ],
    grid: { left: 8, right: 16, top: 12, bottom: 4, containLabel: true },
    tooltip: {
      ...tooltip(chart, colour),
      trigger: "item",
      formatter: ({ value }) => `${chart.series[value[1]].name} ${chart.labels[value[0]]}: ${shown(value[2], chart.unit)}`,
    },
  };
}

function option(chart) {
  const colour = colours();
  const parts = chart.kind === "punch" ? punch(chart, colour) : cartesian(chart, colour);
  return {
    // A picture of a chart is the same every time it is taken, and nobody waits for it to move.
    animation: false,
    backgroundColor: colour.surface,
    textStyle: { fontFamily: fontFamily(), color: colour.ink },
    aria: { enabled: true, decal: { show: chart.series.length > 1 && chart.kind !== "line" && chart.kind !== "punch" } },
    ...parts,
  };
}

function draw(figure) {
  const stage = figure.querySelector(".chart-stage");
  if (!stage || !window.echarts || drawn.has(figure)) return;
  const chart = JSON.parse(figure.dataset.chart);
  stage.hidden = false;
  stage.classList.toggle("chart-tall", chart.kind === "bars" && chart.labels.length > 5);
  const picture = window.echarts.init(stage, null, { renderer: "canvas" });
  picture.setOption(option(chart));
  picture.on("click", (hit) => {
    const url = chart.kind === "punch" ? null : chart.links[hit.dataIndex];
    if (url) window.location.assign(url);
  });
  drawn.set(figure, { chart, picture });
  const button = figure.querySelector("[data-chart-png]");
  if (button) button.hidden = false;
}

function save(figure) {
  const { chart, picture } = drawn.get(figure);
  const link = document.createElement("a");
  link.href = picture.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: colours().surface });
  link.download = `${chart.title}.png`;
  link.click();
}

function forget() {
  for (const [figure, { picture }] of drawn) {
    if (figure.isConnected) continue;
    picture.dispose();
    drawn.delete(figure);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-chart-png]");
  if (button) save(button.closest("[data-chart]"));
});
window.addEventListener("resize", () => drawn.forEach(({ picture }) => picture.resize()));
new MutationObserver(() => {
  for (const { chart, picture } of drawn.values()) picture.setOption(option(chart), true);
}).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });

onContent((part) => {
  forget();
  for (const figure of part.querySelectorAll("[data-chart]")) draw(figure);
});
