// The panel at the side: period, category, legend, layers, lists, sources.
"use strict";
(function (F) {
  const { h } = F;

  /** How a class is called, e.g. "200 – <500". */
  F.classLabel = function (text, { from, to }) {
    if (to === null) return from ? `≥ ${F.whole(from)}` : text.above0;
    return from ? `${F.whole(from)} – <${F.whole(to)}` : `< ${F.whole(to)}`;
  };

  F.Controls = class {
    constructor(page, panel) {
      this.page = page;
      this.panel = panel;
    }

    /** Build everything anew: at the start and when the language changes. */
    build() {
      this.total = h("p", { className: "fg-total" });
      this.total.setAttribute("aria-live", "polite");
      this.legend = h("section", { className: "fg-legend", id: "fg-legend" });
      this.lists = h("div");
      this.panel.replaceChildren(this._head(), this._choices(), this.total, this.legend, this.lists, this._sources());
    }

    update() {
      this._total();
      this._legend();
      this._lists();
    }

    _head() {
      const { text, facts, lang, setLanguage } = this.page;
      const invented = Object.entries(facts.provenance).filter(([, one]) => one.synthetic).map(([layer]) => text.layer[layer] || layer);
      return h("header", {},
        h("button", { type: "button", id: "fg-language", title: text.languageHint, lang: lang === "zh" ? "en" : "zh", onclick: setLanguage }, text.language),
        h("h1", {}, h("span", {}, facts.city[lang]), " ", text.title),
        facts.operation ? this._operation() : null,
        invented.length ? h("p", { className: "fg-synthetic", id: "fg-synthetic" }, text.syntheticLayers(invented.join(lang === "zh" ? "、" : ", "))) : null);
    }

    _operation() {
      const { text, facts, lang } = this.page;
      const { operation } = facts;
      const other = lang === "zh" ? "en" : "zh";
      const wanted = new URLSearchParams({ from: facts.window.from, to: facts.window.to, lang });
      return h("section", { className: "fg-operation", id: "fg-operation" },
        h("p", {}, text.operation, " ", h("b", {}, operation[lang]), operation[other] === operation[lang] ? null : h("span", { lang: other === "zh" ? "zh-CN" : "en" }, ` ${operation[other]}`)),
        h("p", {}, `${operation.from} – ${operation.to}`),
        h("p", { className: "fg-small" }, text.operationNote(F.km2(operation.km2))),
        facts.reload ? h("a", { href: `?${wanted}`, className: "fg-screen" }, text.wholeCity) : null);
    }

    _choices() {
      const { text, facts, state, choose } = this.page;
      const option = (value, label) => h("option", { value: String(value) }, label);
      const period = h("select", { id: "fg-period", onchange: () => choose({ period: Number(period.value) }) },
        option(-1, `${text.wholeWindow} ${F.days(facts.window)}`), ...facts.periods.map((_, at) => option(at, this.page.periodName(at))));
      period.value = String(state.period);
      const step = (by) => {
        const next = Math.min(facts.periods.length - 1, Math.max(-1, state.period + by));
        period.value = String(next);
        choose({ period: next });
      };
      const category = h("select", { id: "fg-category", onchange: () => choose({ choice: category.value }) }, ...this._categories(option));
      category.value = state.choice;
      const limits = [...facts.onlyCategories, ...facts.onlySources];
      return h("section", { className: "fg-choices" },
        h("label", { htmlFor: "fg-period" }, text.period),
        h("div", { className: "fg-row" }, period,
          facts.periods.length ? h("button", { type: "button", title: text.earlier, ariaLabel: text.earlier, id: "fg-earlier", onclick: () => step(-1) }, "◀") : null,
          facts.periods.length ? h("button", { type: "button", title: text.later, ariaLabel: text.later, id: "fg-later", onclick: () => step(1) }, "▶") : null),
        facts.periodsDropped ? h("p", { className: "fg-warn" }, text.dropped) : null,
        h("label", { htmlFor: "fg-category" }, text.category),
        category,
        limits.length ? h("p", { className: "fg-small" }, text.only(limits.join(", "))) : null,
        facts.reload ? this._window() : h("p", { className: "fg-small fg-screen" }, text.frozen),
        facts.operations.length ? this._operations() : null);
    }

    _operations() {
      const { text, facts, lang } = this.page;
      const link = (one) => h("li", {}, h("a", { href: `?${new URLSearchParams({ operation: one.code, lang })}` }, one[lang]), h("em", {}, `${one.first}..${one.last}`));
      return h("details", { className: "fg-operations fg-screen", id: "fg-operations" }, h("summary", {}, text.operations(facts.operations.length)), h("ul", {}, ...facts.operations.map(link)));
    }

    _categories(option) {
      const { text, facts, categoryName } = this.page;
      const groups = [option("all", text.all)];
      const chaoses = facts.chaoses.filter((chaos) => facts.categories.some((one) => one.chaos === chaos));
      if (chaoses.length) groups.push(h("optgroup", { label: text.fourChaoses }, option("chaos:any", text.fourAll), ...chaoses.map((chaos) => option(`chaos:${chaos}`, text.chaos[chaos]))));
      for (const [domain, label] of Object.entries(text.domain)) {
        const of = facts.categories.map((_, at) => at).filter((at) => facts.categories[at].domain === domain);
        const known = of.sort((a, b) => categoryName(a).localeCompare(categoryName(b), this.page.lang));
        if (known.length) groups.push(h("optgroup", { label }, ...known.map((at) => option(at, categoryName(at)))));
      }
      return groups;
    }

    _window() {
      const { text, facts, lang } = this.page;
      const from = h("input", { type: "date", value: facts.window.from, required: true, ariaLabel: text.from, id: "fg-from" });
      const until = h("input", { type: "date", value: F.lastDay(facts.window), required: true, ariaLabel: text.until, id: "fg-until" });
      if (facts.operation) for (const field of [from, until]) [field.min, field.max] = [facts.operation.days.first, facts.operation.days.last];
      const reload = (event) => {
        event.preventDefault();
        until.setCustomValidity(until.value < from.value ? text.wrongDays : "");
        if (!until.reportValidity()) return;
        const wanted = new URLSearchParams(location.search);
        wanted.set("from", from.value);
        wanted.set("to", F.nextDay(until.value));
        wanted.set("lang", lang);
        location.search = wanted.toString();
      };
      return h("form", { className: "fg-row fg-screen", onsubmit: reload }, from, "–", until, h("button", { type: "submit", id: "fg-load" }, text.load));
    }

    _total() {
      const { text, model, picture, state } = this.page;
      const { totals } = picture;
      const cells = model.size.cell;
      const parts = [text.inCells(F.whole(picture.inCells))];
      if (totals[cells]) parts.push(text.outside(F.whole(totals[cells])));
      if (totals[cells + 1]) parts.push(text.noPosition(F.whole(totals[cells + 1])));
      const shared = model.sharedPlaces(state).reduce((sum, place) => sum + place.reports, 0);
      if (state.withoutShared && shared) parts.push(text.leftOut(F.whole(shared)));
      this.total.textContent = parts.join(" · ");
    }

    _legend() {
      const { text, facts, picture, state, choose } = this.page;
      const row = (colour, label, count) => h("tr", {}, h("td", {}, h("i", { style: `background:${colour}` })), h("th", { scope: "row" }, label), h("td", { className: "fg-number" }, text.cells(F.whole(count))));
      const window = this.page.model.window(state);
      // An operation may begin and end within a day: the whole of it is as long as it is.
      const days = facts.operation && state.period < 0 ? facts.operation.length : window.days;
      const rows = picture.classes.map((one, k) => row(one.colour, F.classLabel(text, one), picture.cellsIn[k])).reverse();
      if (picture.classes.length === 1 && !picture.cellsIn[0]) rows.pop(); // nothing was reported at all
      rows.push(row(F.NO_REPORTS, text.none, picture.cellsIn[-1]));
      if (picture.cellsIn[-2]) rows.push(row(F.NO_AREA, text.noArea, picture.cellsIn[-2]));
      const tested = this.page.hotSpots?.legend(text);
      if (tested) rows.splice(0, rows.length, ...tested.map((one) => row(...one)));
      const own = h("input", { type: "checkbox", id: "fg-own", checked: state.ownScale, onchange: () => choose({ ownScale: own.checked }) });
      this.legend.replaceChildren(
        h("h2", {}, tested ? text.hotSpotsLegend(F.days(window)) : text.legend(F.days(window), days)),
        h("table", {}, h("tbody", {}, ...rows)),
        h("p", { className: "fg-small" }, ...(tested ? [text.hotSpotsNote] : [text.legendNote, " ", facts.periods.length && state.period >= 0 ? text.sameScale : ""])),
        tested || state.choice === "all" ? "" : h("label", { className: "fg-check fg-screen" }, own, text.ownScale));
    }

    _layer(name, symbol, label, ...content) {
      const { state, choose } = this.page;
      const box = h("input", { type: "checkbox", id: `fg-${name}`, checked: state[name], onchange: () => choose({ [name]: box.checked }) });
      return h("section", { className: "fg-layer" }, h("label", { className: "fg-check" }, box, symbol && h("i", { className: `fg-symbol fg-symbol-${symbol}` }), h("b", {}, label)), ...content);
    }

    _lists() {
      const { text, facts, picture, select, segmentName, nameOf, model } = this.page;
      const entry = (target, title, note) => h("li", {}, h("button", { type: "button", onclick: () => select({ ...target, zoom: true }) }, h("span", {}, title), h("em", {}, note)));
      const { worst } = picture;
      const parts = [
        this._layer("worst", "worst", text.worst(worst.length), h("p", { className: "fg-small" }, text.worstNote(facts.worst.min_m, facts.worst.min_reports)),
          worst.length ? h("ol", { id: "fg-worst-list" }, ...worst.map((one) => entry({ kind: "segment", at: one.segment }, segmentName(one.segment),
            `${text.perKm(F.rounded(one.perKm))} · ${F.whole(one.reports)} / ${F.whole(Math.round(model.segments.m[one.segment]))} m`))) : h("p", {}, text.nothing)),
      ];
      if (facts.staffing) {
        parts.push(this._layer("short", "short", text.short(facts.staffing.rows.length), h("p", { className: "fg-small" }, text.shortNote(facts.staffing.on)),
          h("ul", { id: "fg-short-list" }, ...facts.staffing.rows.map((one) => entry({ kind: "area", at: one.area }, nameOf(one.area), text.shortRow(F.whole(one.required), F.whole(one.on_post), F.whole(-one.gap)))))));
      }
      if (facts.shared.places.length) {
        const out = h("input", { type: "checkbox", id: "fg-without-shared", checked: this.page.state.withoutShared, onchange: () => this.page.choose({ withoutShared: out.checked }) });
        parts.push(this._layer("shared", "shared", text.shared(picture.shared.length), h("p", { className: "fg-small" }, text.sharedNote), h("label", { className: "fg-check" }, out, text.withoutShared)));
      }
      const { hotSpots } = this.page;
      if (hotSpots?.offered) parts.unshift(this._layer("hotspots", "", text.hotSpots, h("p", { className: "fg-small", id: "fg-hotspots-said", ariaLive: "polite" }, hotSpots.words(text, this.page.lang) || text.hotSpotsHint)));
      parts.push(this._layer("roads", "", text.roads));
      this.lists.replaceChildren(...parts);
    }

    _sources() {
      const { text, facts, lang } = this.page;
      const rows = Object.entries(facts.provenance).flatMap(([layer, one]) => [
        h("dt", {}, text.layer[layer] || layer, one.synthetic ? h("mark", {}, text.synthetic) : ""),
        h("dd", {}, (lang === "zh" && one.text_zh) || one.text || ""),
      ]);
      return h("footer", { id: "fg-sources" }, h("h2", {}, text.sources), h("dl", {}, ...rows), h("p", { className: "fg-small" }, `${text.madeBy} · Leaflet ${L.version}`));
    }
  };
})(window.Finegrid);
