// What the page knows and can count: no drawing here.
"use strict";
(function (F) {
  const DM2_PER_KM2 = 1e8;
  // Light to dark, yellow to dark red (after ColorBrewer's YlOrRd): readable by lightness alone.
  const COLOURS = ["#fff3bf", "#fedf8e", "#fdbf5f", "#fb9240", "#ef5a2b", "#cf1d1f", "#85001d"];
  const PICKED = { 1: [3], 2: [1, 5], 3: [1, 3, 5], 4: [1, 3, 5, 6], 5: [0, 2, 3, 5, 6], 6: [0, 1, 2, 3, 5, 6] };
  F.NO_REPORTS = "#eeece6";
  F.NO_AREA = "#d9d9d9";

  /** A rate as it is shown: three significant digits. */
  F.asShown = (rate) => Number(rate.toPrecision(3));

  F.Model = class {
    constructor(facts) {
      this.facts = facts;
      const shapes = (layer) => F.unpackShapes(layer.shapes, facts.stepsPerDegree);
      const { areas, cells, segments } = facts;
      this.areas = { ...areas, shapes: shapes(areas) };
      const area = F.unpackSteps(cells.area);
      this.cells = {
        area,
        code: cells.codes ? cells.codes.split("\n").map((c, i) => (c[0] === "=" ? c.slice(1) : areas.code[area[i]] + c)) : [],
        tier: F.unpackNumbers(cells.tier).map((t) => facts.tiers[t]),
        km2: F.unpackSteps(cells.dm2).map((dm2) => dm2 / DM2_PER_KM2),
        shapes: shapes(cells),
      };
      this.segments = {
        code: segments.codes ? segments.codes.split("\n") : [],
        name: F.unpackNumbers(segments.name).map((n) => segments.names[n]),
        class: F.unpackNumbers(segments.class).map((c) => facts.roadClasses[c]),
        m: F.unpackNumbers(segments.mm).map((mm) => mm / 1000),
        shapes: shapes(segments),
      };
      this.counts = { cell: this._sparse(facts.cellCounts), segment: this._sparse(facts.segmentCounts) };
      this.size = { cell: this.cells.code.length, segment: this.segments.code.length };
    }

    _sparse(packed) {
      return {
        place: Int32Array.from(F.unpackSteps(packed.place)),
        category: Int16Array.from(F.unpackSteps(packed.category)),
        period: Int16Array.from(F.unpackSteps(packed.period)),
        reports: Int32Array.from(F.unpackNumbers(packed.reports)),
      };
    }

    /** 1 for the categories that belong to a choice: all, chaos:any, chaos:parking ..., or a category's position. */
    members(choice) {
      const [group, chaos] = choice.split(":");
      return Uint8Array.from(this.facts.categories, (category, at) => {
        if (choice === "all") return 1;
        if (group === "chaos") return category.chaos && (chaos === "any" || category.chaos === chaos) ? 1 : 0;
        return at === Number(choice) ? 1 : 0;
      });
    }

    /** Window or sub-period that a state shows. */
    window(state) {
      return state.period < 0 ? this.facts.window : this.facts.periods[state.period];
    }

    _each(target, state, use) {
      const { place, category, period, reports } = this.counts[target];
      const member = this.members(state.choice);
      for (let i = 0; i < place.length; i++) {
        if (member[category[i]] && (state.period < 0 || period[i] === state.period)) use(place[i], category[i], reports[i]);
      }
      if (!state.withoutShared) return;
      for (const [, cell, segment, of, at, count] of this.facts.shared.counts) {
        const where = target === "cell" ? cell : segment;
        const held = where < 0 ? this.size[target] : where; // in none
        if (member[of] && (state.period < 0 || at === state.period)) use(held, of, -count);
      }
    }

    /** Reports of every cell (or segment) in a state; behind them those in none and those without position. */
    totals(target, state) {
      const totals = new Int32Array(this.size[target] + 2);
      this._each(target, state, (place, _, reports) => { totals[place] += reports; });
      return totals;
    }

    /** Reports by category, most first, of the places for which `inside` is true: [[category, reports], ...]. */
    byCategory(target, state, inside) {
      const sums = new Map();
      this._each(target, state, (place, category, reports) => {
        if (inside(place)) sums.set(category, (sums.get(category) || 0) + reports);
      });
      return [...sums].filter(([, reports]) => reports).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    }

    /** Reports of each sub-period of the places for which `inside` is true. */
    byPeriod(target, state, inside) {
      return this.facts.periods.map((_, period) => {
        let sum = 0;
        this._each(target, { ...state, period }, (place, _category, reports) => { if (inside(place)) sum += reports; });
        return sum;
      });
    }

    /** Reports of a state on each shared coordinate: [{lon, lat, cell, reports}], most first. */
    sharedPlaces(state) {
      const member = this.members(state.choice);
      const places = this.facts.shared.places.map(([lon, lat]) => ({ lon, lat, cell: -1, reports: 0 }));
      for (const [at, cell, , category, period, count] of this.facts.shared.counts) {
        places[at].cell = cell;
        if (member[category] && (state.period < 0 || period === state.period)) places[at].reports += count;
      }
      return places.filter((place) => place.reports).sort((a, b) => b.reports - a.reports);
    }

    /** Classes of a state, lowest first: [{from, to, colour}]; from inclusive, to exclusive, 0 and null where open. */
    classes(state) {
      const breaks = this.facts.breaks[state.ownScale ? state.choice : "all"][state.period < 0 ? "window" : "period"];
      const count = breaks.length + 1;
      const picked = PICKED[count] || COLOURS.map((_, at) => at);
      return picked.map((at, k) => ({ from: k ? breaks[k - 1] : 0, to: k < breaks.length ? breaks[k] : null, colour: COLOURS[at] }));
    }

    /** Class of a rate: -1 for zero, -2 where there is no rate because there is no area. */
    classOf(rate, classes) {
      if (!Number.isFinite(rate)) return -2;
      if (rate === 0) return -1;
      const shown = F.asShown(rate);
      let k = classes.length - 1;
      while (k > 0 && shown < classes[k].from) k--;
      return k;
    }

    rate(reports, size) {
      return size > 0 ? reports / size : NaN;
    }

    /** Worst segments: most reports per km among those long and busy enough. */
    worst(totals) {
      const { most, min_m: least, min_reports: busy } = this.facts.worst;
      const { m, code } = this.segments;
      const rows = [];
      for (let s = 0; s < m.length; s++) if (m[s] >= least && totals[s] >= busy) rows.push(s);
      const rate = (s) => (totals[s] * 1000) / m[s];
      rows.sort((a, b) => rate(b) - rate(a) || totals[b] - totals[a] || (code[a] < code[b] ? -1 : 1));
      return rows.slice(0, most).map((segment) => ({ segment, reports: totals[segment], perKm: rate(segment) }));
    }

    /** An area and all above it, lowest first. */
    upwards(area) {
      const line = [];
      for (let at = area; at >= 0; at = this.areas.parent[at]) line.push(at);
      return line;
    }

    /** For every cell whether it lies in an area. */
    cellsOf(area) {
      const under = new Set(this.areas.code.map((_, at) => at).filter((at) => this.upwards(at).includes(area)));
      return Uint8Array.from(this.cells.area, (of) => (under.has(of) ? 1 : 0));
    }
  };
})(window.Finegrid);
