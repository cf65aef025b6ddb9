// Flags that ask for other flags. Each one that is needed is decided once, after those that it needs itself.

/**
 * How the flag decides, its prerequisites included, which `find` finds. A flag that leads into a circle finds them not
 * met, because none of them is known when it asks.
 */
export function deciderOf(flag, find) {
  if (!flag.wanted.length) return flag.answer;
  const needed = needs(flag, find);
  const order = settled(needed);
  const chain = order.length === needed.size ? order.map((key) => needed.get(key)) : [flag];
  return (unit, attributes) => {
    const known = new Map();
    for (const one of chain) known.set(one.key, one.unmet(known) ?? one.answer(unit, attributes));
    return known.get(flag.key);
  };
}

/** The flag and all that it needs, also through others, as far as they exist. */
function needs(flag, find) {
  const found = new Map([[flag.key, flag]]);
  for (const one of found.values()) { // it grows meanwhile
    for (const { flag: key } of one.wanted) {
      const wanted = found.has(key) ? undefined : find(key);
      if (wanted) found.set(key, wanted);
    }
  }
  return found;
}

/** The keys, each after its prerequisites. Those that lead into a circle are left out. */
function settled(flags) {
  const unsettled = new Map();
  const wantedBy = new Map([...flags.keys()].map((key) => [key, []]));
  for (const [key, { wanted }] of flags) {
    const there = wanted.filter((one) => flags.has(one.flag));
    unsettled.set(key, there.length);
    for (const one of there) wantedBy.get(one.flag).push(key);
  }
  const found = [...unsettled.keys()].filter((key) => unsettled.get(key) === 0);
  for (const key of found) { // it grows meanwhile
    for (const one of wantedBy.get(key)) {
      unsettled.set(one, unsettled.get(one) - 1);
      if (unsettled.get(one) === 0) found.push(one);
    }
  }
  return found;
}
