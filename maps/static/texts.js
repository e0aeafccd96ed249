// Every word of the page, Chinese and English.
"use strict";
(function (F) {
  const plural = (n, one, many) => `${n} ${n === "1" ? one : many}`;

  F.TEXTS = {
    zh: {
      language: "English",
      languageHint: "Switch to English",
      title: "问题上报热力图",
      operation: "专项行动",
      operations: (n) => `专项行动（${n}）`,
      operationNote: (km2) => `只含范围内（${km2} km²）、时段内的上报；网格与路段按范围裁切，密度按范围内面积计算。`,
      wholeCity: "查看全市",
      period: "时段",
      wholeWindow: "全部",
      earlier: "上一时段",
      later: "下一时段",
      dropped: "数据量过大，本页不再细分子时段；请选择较短的时段。",
      from: "自",
      until: "至（含）",
      load: "载入",
      wrongDays: "“至”不能早于“自”。",
      frozen: "本文件为独立副本，时段固定；要看其他时段请打开服务器页面或重新导出。",
      category: "类别",
      all: "全部类别",
      fourChaoses: "四乱",
      fourAll: "四乱合计",
      only: (names) => `本页只含所选：${names}`,
      inCells: (n) => `网格内 ${n} 件`,
      outside: (n) => `网格外 ${n} 件`,
      noPosition: (n) => `无有效坐标 ${n} 件`,
      leftOut: (n) => `其中 ${n} 件可疑共用坐标已剔除`,
      legend: (unit, days) => `${unit}（${days} 天）每 km² 上报数`,
      unit: "件/km²",
      cells: (n) => `${n} 格`,
      none: "0（无上报）",
      noArea: "无面积，不计密度",
      above0: "大于 0",
      legendNote: "1 件上报落在 1 万 m² 的网格 = 100 件/km²。面积按椭球体计算，缩放不改变颜色。",
      sameScale: "各子时段分级相同，颜色可直接比较。",
      ownScale: "按所选类别分级",
      layers: "图层",
      worst: (n) => `问题最多的 ${n} 个路段`,
      worstNote: (m, n) => `按每公里上报数；只比较长度不小于 ${m} m 且至少 ${n} 件的路段。`,
      nothing: "无",
      perKm: (n) => `${n} 件/km`,
      short: (n) => `协管员不足的街道（${n}）`,
      shortNote: (day) => `每 km² 至少 30 / 20 / 10 人（重点 / 双重 / 一般）；${day} 在岗。`,
      shortRow: (required, there, gap) => `应 ${required} 人，在岗 ${there} 人，缺 ${gap} 人`,
      shared: (n) => `可疑共用坐标（${n}）`,
      sharedNote: "大量上报使用完全相同的坐标，可能是地址解析的默认点。",
      sharedPoint: (n) => `${n} 件上报使用这同一坐标`,
      withoutShared: "计数时剔除这些上报",
      roads: "道路",
      sources: "数据来源",
      synthetic: "合成数据",
      syntheticLayers: (layers) => `合成数据：${layers}`,
      madeBy: "finegrid 城市精细化网格管理",
      layer: { areas: "区域", cells: "网格", roads: "道路", tiers: "分级", coordinators: "协管员", responsibles: "责任人", categories: "类别", reports: "上报", cases: "案件", listings: "挂牌", operations: "专项行动" },
      close: "关闭",
      cell: "单元网格",
      segment: "路段",
      level: { district: "区县", street: "街道", community: "社区" },
      tier: { key: "重点", secondary: "双重", general: "一般" },
      tierName: "分级",
      code: "编码",
      area: "面积",
      areaOfCells: "责任面积（网格合计）",
      noCells: "没有网格：无责任面积，不计密度",
      length: "长度",
      roadClass: "等级",
      road: { ring: "环路", trunk: "干线", main: "主干道", branch: "支路", back_street: "背街小巷" },
      unnamed: "（无名路段）",
      class: "颜色分级",
      formula: (n, size, unit, rate) => `${n} 件 / ${size} ${unit} = ${rate} 件/${unit}`,
      byCategory: "分类别",
      more: (n) => `其余 ${n} 类`,
      byPeriod: "分时段",
      total: "合计",
      reports: "件",
      nearRoad: "近旁路段",
      ofShared: (n) => `其中 ${n} 件在可疑共用坐标上`,
      staffing: "协管员",
      tierDemand: (tier, km2, required, there) => `${tier} ${km2} km²：应 ${required}，在岗 ${there}`,
      hint: "点击网格、路段或区域查看数字；键盘：方向键移动，+ − 缩放，回车查看中心网格。",
      mapLabel: "热力图，方向键移动，加减键缩放，回车查看中心处的数字",
      month: (year, month) => `${year}年${month}月`,
      tenDays: (year, month, part) => `${year}年${month}月${["上", "中", "下"][part]}旬`,
      domain: { municipal_facilities: "市政设施", appearance_sanitation: "市容环卫", parking: "停车", greenery: "园林绿化", construction_sites: "建筑工地", dog_keeping: "养犬", other: "其他" },
      chaos: { parking: "车辆乱停乱放", trading: "占道/出店经营", rubbish: "垃圾乱堆乱放", posters: "小广告乱发乱贴" },
    },
    en: {
      language: "中文",
      languageHint: "切换到中文",
      title: "Problem reports per km²",
      operation: "Special operation",
      operations: (n) => `Special operations (${n})`,
      operationNote: (km2) => `Only reports inside its edge (${km2} km²) and its time; cells and roads are cut at the edge, and rates divide by what lies inside.`,
      wholeCity: "Show the whole city",
      period: "Period",
      wholeWindow: "All",
      earlier: "Earlier period",
      later: "Later period",
      dropped: "Too much data for sub-periods on this page; choose a shorter window.",
      from: "From",
      until: "To (incl.)",
      load: "Load",
      wrongDays: "“To” must not be before “From”.",
      frozen: "This file is a copy with a fixed window; for another one use the server's page or export again.",
      category: "Category",
      all: "All categories",
      fourChaoses: "Four chaoses 四乱",
      fourAll: "All four chaoses",
      only: (names) => `This page holds only: ${names}`,
      inCells: (n) => plural(n, "report in cells", "reports in cells"),
      outside: (n) => `${n} outside`,
      noPosition: (n) => `${n} without position`,
      leftOut: (n) => `${n} on shared coordinates left out`,
      legend: (unit, days) => `Reports per km² in ${unit}, ${days} days`,
      unit: "reports/km²",
      cells: (n) => plural(n, "cell", "cells"),
      none: "0 (no report)",
      noArea: "no area, no density",
      above0: "above 0",
      legendNote: "One report in a cell of 10,000 m² is 100 per km². Areas are geodesic; zooming changes no colour.",
      sameScale: "All sub-periods have the same classes: their colours compare.",
      ownScale: "Classes fitted to this category",
      layers: "Layers",
      worst: (n) => `${n} worst road segments`,
      worstNote: (m, n) => `By reports per km, among segments of at least ${m} m with at least ${n} reports.`,
      nothing: "none",
      perKm: (n) => `${n} per km`,
      short: (n) => `Streets short of coordinators (${n})`,
      shortNote: (day) => `At least 30 / 20 / 10 per km² (key / secondary / general); on post on ${day}.`,
      shortRow: (required, there, gap) => `${required} required, ${there} on post, ${gap} missing`,
      shared: (n) => `Suspicious shared coordinates (${n})`,
      sharedNote: "Many reports on exactly one coordinate: perhaps a geocoder's default.",
      sharedPoint: (n) => `${n} reports share this one coordinate`,
      withoutShared: "Leave these reports out of the counts",
      roads: "Roads",
      sources: "Where the data are from",
      synthetic: "synthetic 合成数据",
      syntheticLayers: (layers) => `Synthetic data 合成数据: ${layers}`,
      madeBy: "finegrid",
      layer: { areas: "areas", cells: "cells", roads: "roads", tiers: "tiers", coordinators: "coordinators", responsibles: "responsible persons", categories: "categories", reports: "reports", cases: "cases", listings: "listings", operations: "special operations" },
      close: "Close",
      cell: "Grid cell",
      segment: "Road segment",
      level: { district: "District", street: "Street office", community: "Community" },
      tier: { key: "key", secondary: "secondary", general: "general" },
      tierName: "Tier",
      code: "Code",
      area: "Area",
      areaOfCells: "Responsible area (its cells)",
      noCells: "no cells: without responsible area there is no density",
      length: "Length",
      roadClass: "Class of road",
      road: { ring: "ring", trunk: "trunk", main: "main", branch: "branch", back_street: "back street" },
      unnamed: "(no name)",
      class: "Class",
      formula: (n, size, unit, rate) => `${plural(n, "report", "reports")} / ${size} ${unit} = ${rate} per ${unit}`,
      byCategory: "By category",
      more: (n) => plural(String(n), "more category", "more categories"),
      byPeriod: "By period",
      total: "Total",
      reports: "reports",
      nearRoad: "Road segment here",
      ofShared: (n) => `${n} of them on a suspicious shared coordinate`,
      staffing: "Coordinators",
      tierDemand: (tier, km2, required, there) => `${tier} ${km2} km²: ${required} required, ${there} on post`,
      hint: "Click a cell, segment or area for its numbers. Keys: arrows move, + − zoom, Enter opens the cell in the middle.",
      mapLabel: "Heat map; arrow keys move, plus and minus zoom, Enter shows the numbers at the centre",
      month: (year, month) => `${MONTHS[month - 1]} ${year}`,
      tenDays: (year, month, part) => `${MONTHS[month - 1]} ${year}, ${["early", "middle", "late"][part]}`,
      domain: { municipal_facilities: "Municipal facilities", appearance_sanitation: "City appearance and sanitation", parking: "Parking", greenery: "Greenery", construction_sites: "Construction sites", dog_keeping: "Dog keeping", other: "Other" },
      chaos: { parking: "Chaotic parking", trading: "Trading on the road or outside the shop", rubbish: "Rubbish piled up", posters: "Small advertisements" },
    },
  };
  const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

  /** A whole number with thousands separated. */
  F.whole = (n) => n.toLocaleString("en-US");
  /** A rate with three significant digits. */
  F.rounded = (rate) => F.asShown(rate).toLocaleString("en-US", { maximumFractionDigits: 6 });
  /** Square kilometres with as many digits as make sense. */
  F.km2 = (km2) => (km2 >= 1 ? km2.toFixed(3) : km2 >= 0.001 ? km2.toFixed(4) : String(Number(km2.toPrecision(3))));

  const dayBefore = (iso) => new Date(Date.parse(`${iso}T00:00:00Z`) - 864e5).toISOString().slice(0, 10);
  F.lastDay = (window) => dayBefore(window.to);
  F.nextDay = (iso) => new Date(Date.parse(`${iso}T00:00:00Z`) + 864e5).toISOString().slice(0, 10);
  F.days = (window) => (window.days === 1 ? window.from : `${window.from}..${F.lastDay(window)}`);

  /** Name of a sub-period: a ten-day period, or a month where the window is long. */
  F.periodName = function (text, window, tenDays) {
    const [year, month, day] = window.from.split("-").map(Number);
    const name = tenDays ? text.tenDays(year, month, Math.min(2, Math.floor((day - 1) / 10))) : text.month(year, month);
    return `${name} (${window.from.slice(5)}..${F.lastDay(window).slice(5)})`;
  };

  /** A small builder of elements: h("a", {title: "x", onclick: f}, "text", other). */
  F.h = function (tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (name in element && name !== "list") element[name] = value;
      else if (value !== null) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  };
})(window.Finegrid);
