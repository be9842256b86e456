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

// How high the legend is: it wraps where its names do not fit into the width.
function legendHeight(chart, width) {
  if (chart.series.length < 2) return 0;
  let [rows, used] = [1, 0];
  for (const { name } of chart.series) {
    // Chinese characters are as wide as the type is high, Latin ones a little more than half.
    const wide = 48 + [...name].reduce((sum, letter) => sum + (letter > "\u2e7f" ? 12 : 7), 0);
    if (used && used + wide > width - 16) [rows, used] = [rows + 1, 0];
    used += wide;
  }
  return 20 + 20 * rows;
}

function cartesian(chart, colour, width) {
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
    grid: { left: 8, right: lying ? 48 : 16, top: Math.max(20, legendHeight(chart, width)), bottom: 4, containLabel: true },
    tooltip: { ...tooltip(chart, colour), trigger: "axis", axisPointer: { type: chart.kind === "line" ? "line" : "shadow" } },
  };
}

function option(chart, width) {
  const colour = colours();
  return {
    // A picture of a chart is the same every time it is taken, and nobody waits for it to move.
    animation: false,
    backgroundColor: colour.surface,
    textStyle: { fontFamily: fontFamily(), color: colour.ink },
    aria: { enabled: true, decal: { show: chart.series.length > 1 && chart.kind !== "line" } },
    ...cartesian(chart, colour, width),
  };
}

function draw(figure) {
  const stage = figure.querySelector(".chart-stage");
  if (!stage || !window.echarts || drawn.has(figure)) return;
  const chart = JSON.parse(figure.dataset.chart);
  stage.hidden = false;
  stage.classList.toggle("chart-tall", chart.kind === "bars" && chart.labels.length > 5);
  const picture = window.echarts.init(stage, null, { renderer: "canvas" });
  picture.setOption(option(chart, stage.clientWidth));
  picture.on("click", (hit) => {
    const url = chart.links[hit.dataIndex];
    if (url) window.location.assign(url);
  });
  drawn.set(figure, { chart, picture });
  const button = figure.querySelector("[data-chart-png]");
  if (button) button.hidden = false;
}

// The heat map is a table drawn by the server; its picture is painted from the cells as they look now.
function heatPicture(figure) {
  const [step, row, left, top, edge, scale] = [42, 34, 56, 68, 16, 2];
  const lines = [...figure.querySelectorAll(".heat tr")].map((line) => [...line.cells]);
  const canvas = document.createElement("canvas");
  const [width, height] = [left + step * (lines[0].length - 1) + edge, top + row * (lines.length - 1) + edge];
  [canvas.width, canvas.height] = [width * scale, height * scale];
  const pen = canvas.getContext("2d");
  const colour = colours();
  const write = (text, x, y, tint, font = "13px") => {
    [pen.fillStyle, pen.font] = [tint, `${font} ${fontFamily()}`];
    pen.fillText(text, x, y);
  };
  pen.scale(scale, scale);
  pen.fillStyle = colour.surface;
  pen.fillRect(0, 0, width, height);
  pen.textBaseline = "middle";
  write(figure.dataset.heat, edge, 24, colour.ink, "600 15px");
  lines.forEach((cells, down) => {
    const y = top + row * (down - 1);
    cells.forEach((cell, across) => {
      const x = left + step * (across - 1);
      const text = cell.textContent.trim();
      pen.textAlign = across ? "center" : "left";
      if (!down || !across) return write(text, across ? x + step / 2 : edge, y + row / 2, colour.ink2);
      pen.fillStyle = getComputedStyle(cell).backgroundColor;
      pen.fillRect(x + 1, y + 1, step - 2, row - 2);
      if (text !== "0") write(text, x + step / 2, y + row / 2, getComputedStyle(cell.firstElementChild).color);
    });
  });
  return canvas.toDataURL("image/png");
}

function pictureOf(figure) {
  if (figure.dataset.heat) return [figure.dataset.heat, heatPicture(figure)];
  const { chart, picture } = drawn.get(figure);
  return [chart.title, picture.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: colours().surface })];
}

function save(figure) {
  const link = document.createElement("a");
  const [title, address] = pictureOf(figure);
  [link.href, link.download] = [address, `${title}.png`];
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
  if (button) save(button.closest("figure"));
});
function redraw() {
  for (const { chart, picture } of drawn.values()) {
    picture.resize();
    picture.setOption(option(chart, picture.getWidth()), true);
  }
}
window.addEventListener("resize", redraw);
new MutationObserver(redraw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });

onContent((part) => {
  forget();
  for (const figure of part.querySelectorAll("[data-chart]")) draw(figure);
  for (const table of part.querySelectorAll("[data-heat] .heat")) table.closest("figure").querySelector("[data-chart-png]").hidden = false;
});
