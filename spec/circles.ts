/**
 * The circles of a graph of arrows: its strongly connected parts of more than one node, and nodes
 * that point at themselves. Names are sorted. Tarjan, Depth-first search and linear graph
 * algorithms, 1972.
 */
export function circles(arrows: readonly (readonly [from: string, to: string])[]): string[][] {
  const targets = new Map<string, string[]>();
  for (const [from, to] of arrows) targets.set(from, [...(targets.get(from) ?? []), to]);
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const path: string[] = [];
  const parts: string[][] = [];

  function visit(node: string): void {
    order.set(node, order.size);
    lowest.set(node, order.size - 1);
    const depth = path.push(node) - 1;
    for (const next of targets.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      // What has left the path belongs to a part of its own and no longer counts.
      if (path.includes(next)) lowest.set(node, Math.min(lowest.get(node) ?? 0, lowest.get(next) ?? 0));
    }
    if (lowest.get(node) === order.get(node)) parts.push(path.splice(depth));
  }

  for (const node of targets.keys()) if (!order.has(node)) visit(node);
  const isCircle = (part: string[]): boolean => part.length > 1 || (targets.get(part[0]) ?? []).includes(part[0]);
  return parts
    .filter(isCircle)
    .map((part) => part.toSorted())
    .toSorted((a, b) => (a[0] < b[0] ? -1 : 1));
}
