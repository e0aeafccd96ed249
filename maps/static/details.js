// The panel with the numbers behind a colour.
"use strict";
(function (F) {
  const { h } = F;
  const MOST_LINES = 10; // of categories before the rest is folded away

  F.Details = class {
    /** `page` answers model, state, text, nameOf(area), categoryName(at), picture and select(what). */
    constructor(page, panel) {
      this.page = page;
      this.panel = panel;
    }

    show(selected) {
      this.panel.hidden = !selected;
      if (!selected) return this.panel.replaceChildren();
      const { text, select } = this.page;
      const close = h("button", { className: "fg-close", type: "button", ariaLabel: text.close, title: text.close, onclick: () => select(null) }, "×");
      this.panel.replaceChildren(close, ...this[selected.kind](selected.at, selected));
    }

    _facts(rows) {
      return h("dl", {}, ...rows.filter(Boolean).flatMap(([term, fact]) => [h("dt", {}, term), h("dd", {}, fact)]));
    }

    _upwards(area) {
      const { model, text, nameOf, select } = this.page;
      return model.upwards(area).map((at) => [
        text.level[model.areas.level[at]],
        h("button", { type: "button", className: "fg-link", onclick: () => select({ kind: "area", at }) }, nameOf(at)),
      ]);
    }

    _swatch(rate) {
      const { model, text, picture } = this.page;
      const k = model.classOf(rate, picture.classes);
      const colour = k >= 0 ? picture.classes[k].colour : k === -1 ? F.NO_REPORTS : F.NO_AREA;
      const label = k >= 0 ? F.classLabel(text, picture.classes[k]) : k === -1 ? text.none : text.noArea;
      return h("span", { className: "fg-class" }, h("i", { style: `background:${colour}` }), label);
    }

    _tables(target, inside) {
      const { model, state, text, categoryName } = this.page;
      const rows = model.byCategory(target, state, inside);
      const line = (name, n, share) => h("tr", {}, h("td", {}, name), h("td", { className: "fg-number" }, F.whole(n)), h("td", { className: "fg-bar" }, h("i", { style: `width:${Math.round(share * 100)}%` })));
      const table = (title, lines) => [h("h3", {}, title), h("table", {}, h("tbody", {}, ...lines))];
      const most = rows.length ? rows[0][1] : 1;
      const lines = rows.map(([at, n]) => line(categoryName(at), n, n / most));
      const rest = lines.splice(MOST_LINES);
      const parts = rows.length ? table(text.byCategory, lines) : [];
      if (rest.length) parts.push(h("details", {}, h("summary", {}, text.more(rest.length)), h("table", {}, h("tbody", {}, ...rest))));
      const periods = model.byPeriod(target, state, inside);
      const highest = Math.max(1, ...periods);
      if (periods.some(Boolean)) parts.push(...table(text.byPeriod, periods.map((n, at) => line(this.page.periodName(at), n, Math.max(0, n) / highest))));
      return parts;
    }

    _shared(reports) {
      return reports ? h("p", { className: "fg-warn" }, this.page.text.ofShared(F.whole(reports))) : null;
    }

    cell(at, { lineNear = -1 }) {
      const { model, text, state, picture, select, segmentName } = this.page;
      const { cells } = model;
      const n = picture.totals[at];
      const km2 = cells.km2[at];
      const rate = model.rate(n, km2);
      const hotSpot = this.page.hotSpots?.ofCell(at, text);
      const shared = state.withoutShared ? 0 : model.sharedPlaces(state).filter((p) => p.cell === at).reduce((sum, p) => sum + p.reports, 0);
      return [
        h("h2", {}, `${text.cell} `, h("span", { className: "fg-code" }, cells.code[at])),
        Number.isFinite(rate) ? h("p", { className: "fg-formula" }, text.formula(F.whole(n), F.km2(km2), "km²", F.rounded(rate))) : h("p", {}, text.noArea),
        h("p", { className: "fg-when" }, this.page.when()),
        this._facts([
          [text.class, this._swatch(rate)],
          hotSpot && [text.hotSpot, hotSpot],
          [text.area, `${F.whole(Math.round(km2 * 1e6))} m² = ${F.km2(km2)} km²`],
          [text.tierName, text.tier[cells.tier[at]]],
          ...this._upwards(cells.area[at]),
          lineNear >= 0 && [text.nearRoad, h("button", { type: "button", className: "fg-link", onclick: () => select({ kind: "segment", at: lineNear }) }, segmentName(lineNear))],
        ]),
        this._shared(shared),
        ...this._tables("cell", (place) => place === at),
      ].filter(Boolean);
    }

    area(at) {
      const { model, text, picture, nameOf } = this.page;
      const inside = model.cellsOf(at);
      let n = 0;
      let km2 = 0;
      inside.forEach((yes, cell) => { if (yes) { n += picture.totals[cell]; km2 += model.cells.km2[cell]; } });
      const rate = model.rate(n, km2);
      const staffing = (model.facts.staffing?.rows || []).find((street) => street.area === at);
      return [
        h("h2", {}, nameOf(at)),
        Number.isFinite(rate) ? h("p", { className: "fg-formula" }, text.formula(F.whole(n), F.km2(km2), "km²", F.rounded(rate))) : h("p", {}, text.noCells),
        h("p", { className: "fg-when" }, this.page.when()),
        this._facts([
          [text.code, model.areas.code[at]],
          Number.isFinite(rate) && [text.class, this._swatch(rate)],
          km2 > 0 && [text.areaOfCells, `${F.km2(km2)} km²`],
          [text.area, `${F.km2(model.areas.km2[at])} km²`],
          ...this._upwards(at).slice(1),
          staffing && [text.staffing, text.shortRow(F.whole(staffing.required), F.whole(staffing.on_post), F.whole(-staffing.gap))],
        ]),
        ...(staffing ? staffing.tiers.map(([tier, area, required, there]) => h("p", { className: "fg-small" }, text.tierDemand(text.tier[tier], F.km2(area), required, there))) : []),
        ...this._tables("cell", (place) => inside[place] === 1),
      ];
    }

    segment(at) {
      const { model, text, picture, segmentName } = this.page;
      const { m } = model.segments;
      const n = picture.segmentTotals[at];
      return [
        h("h2", {}, segmentName(at)),
        h("p", { className: "fg-formula" }, text.formula(F.whole(n), Number((m[at] / 1000).toPrecision(3)), "km", F.rounded((n * 1000) / m[at]))),
        h("p", { className: "fg-when" }, this.page.when()),
        this._facts([
          [text.code, model.segments.code[at]],
          [text.roadClass, text.road[model.segments.class[at]]],
          [text.length, `${F.whole(Math.round(m[at]))} m`],
        ]),
        ...this._tables("segment", (place) => place === at),
      ];
    }
  };
})(window.Finegrid);
