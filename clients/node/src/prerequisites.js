// Flags that ask for other flags. Each one that is needed is decided once, after those that it needs itself.

/** A Map of how each flag decides, its prerequisites included. `flags` is a Map. */
export function decidersOf(flags) {
  const place = new Map(settled(flags).map((key, number) => [key, number]));
  const found = new Map();
  for (const [key, flag] of flags) {
    found.set(key, flag.wanted.length ? required(chain(flag, flags, place)) : flag.answer);
  }
  return found;
}

/** The keys, each after its prerequisites. Those that lead into a circle are left out. */
function settled(flags) {
  const open = new Map();
  const wantedBy = new Map();
  for (const [key, { wanted }] of flags) {
    const there = wanted.filter((one) => flags.has(one.flag));
    open.set(key, there.length);
    for (const one of there) wantedBy.set(one.flag, [...(wantedBy.get(one.flag) ?? []), key]);
  }
  const found = [...open.keys()].filter((key) => open.get(key) === 0);
  for (const key of found) { // it grows meanwhile
    for (const one of wantedBy.get(key) ?? []) {
      open.set(one, open.get(one) - 1);
      if (open.get(one) === 0) found.push(one);
    }
  }
  return found;
}

/**
 * The flag and all that it needs, in the order to decide them; it alone when it leads into a circle: then nothing is
 * known when its prerequisites are asked for, so they are not met.
 */
function chain(flag, flags, place) {
  if (!place.has(flag.key)) return [flag];
  const needed = new Set([flag.key]);
  for (const key of needed) { // it grows meanwhile
    for (const one of flags.get(key).wanted) if (flags.has(one.flag)) needed.add(one.flag);
  }
  return [...needed].sort((one, other) => place.get(one) - place.get(other)).map((key) => flags.get(key));
}

function required(flags) {
  const last = flags[flags.length - 1].key;
  return (unit, attributes) => {
    const known = new Map();
    for (const flag of flags) known.set(flag.key, flag.unmet(known) ?? flag.answer(unit, attributes));
    return known.get(last);
  };
}
