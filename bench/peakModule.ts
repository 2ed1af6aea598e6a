/**
 * The WebAssembly module that measures what the machine can do at most, assembled here by hand so that nothing stands
 * between the instructions and the figure:
 *
 *   fma(turns)            12 independent accumulators a ← a·x + y, eight times a turn. The latency of a fused multiply-add is
 *                         four or five cycles and two can start in one, so fewer than ten chains would wait for each other;
 *                         more than 13 would not fit the 16 vector registers of x64 (V8 keeps one to itself).
 *   fmaPairs(at, turns)   24 accumulators in neighbouring pairs, for engines that join two vectors into one of eight lanes:
 *                         12 registers again, and twice the operations of `fma`. Elsewhere they do not fit, and the figure says nothing.
 *   read(at, bytes)       sums 128 bytes a turn into eight accumulators
 *   copy(to, at, bytes)   moves 128 bytes a turn
 *
 * V8 has no on-stack replacement for WebAssembly: a call that begins in the baseline compiler's code ends in it. So the
 * functions are meant to be called often and for a short time.
 */

export interface PeakKernels {
  memory: WebAssembly.Memory;
  fma(turns: number): number;
  fmaPairs(at: number, turns: number): void;
  read(at: number, bytes: number): number;
  copy(to: number, at: number, bytes: number): void;
}

const ACCUMULATORS = 12;
const UNROLLED = 8;
/** Operations of one turn of `fma`: a multiplication and an addition in each of four lanes. */
export const FLOPS_PER_TURN: number = ACCUMULATORS * UNROLLED * 4 * 2;
/** Bytes at `at` that `fmaPairs` keeps its accumulators in between calls. */
export const PAIRS_BYTES: number = 2 * ACCUMULATORS * 16;
/** `read` and `copy` take whole multiples of this. */
export const BYTES_PER_TURN = 128;

/** `\0asm`, version 1. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const I32 = 0x7f;
const F32 = 0x7d;
const V128 = 0x7b;

/** Null where the engine does not know the instructions. `fused` = relaxed_madd, else a multiplication and an addition. */
export function peakKernels(fused: boolean, memoryBytes: number): PeakKernels | null {
  const bytes = assemble(fused, Math.max(1, Math.ceil(memoryBytes / 65_536)));
  if (!WebAssembly.validate(bytes)) return null;
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as PeakKernels;
}

function assemble(fused: boolean, pages: number): Uint8Array<ArrayBuffer> {
  const types = [
    [0x60, ...vector([[I32]]), ...vector([[F32]])],
    [0x60, ...vector([[I32], [I32]]), ...vector([[I32]])],
    [0x60, ...vector([[I32], [I32], [I32]]), 0],
    [0x60, ...vector([[I32], [I32]]), 0],
  ];
  const bodies = [fmaBody(fused), readBody(), copyBody(), fmaPairsBody(fused)];
  const functions = ['fma', 'read', 'copy', 'fmaPairs'].map((name, index) => [...string(name), 0, index]);
  return Uint8Array.from([
    ...MAGIC,
    ...section(1, vector(types)),
    ...section(3, vector(bodies.map((_, index) => [index]))),
    ...section(5, vector([[0, ...unsigned(pages)]])),
    ...section(7, vector([...functions, [...string('memory'), 2, 0]])),
    ...section(10, vector(bodies.map((code) => [...unsigned(code.length), ...code]))),
  ]);
}

function fmaBody(fused: boolean): number[] {
  const [turns, x, y, first] = [0, 1, 2, 3];
  const accumulators = Array.from({ length: ACCUMULATORS }, (_, index) => first + index);
  return body(
    [[2 + ACCUMULATORS, V128]],
    [
      ...halfAndOne(x, y),
      ...accumulators.flatMap((a) => [...splat(a), ...set(a)]),
      ...loop(turns, 1, Array.from({ length: UNROLLED }, () => accumulators.flatMap(stepOf(fused, x, y))).flat()),
      ...get(first),
      ...accumulators.slice(1).flatMap((a) => [...get(a), ...simd(228)]),
      ...simd(31),
      0,
    ],
  );
}

/** V8's revectorizer starts from pairs of stores and follows what is stored back to pairs of loads. */
function fmaPairsBody(fused: boolean): number[] {
  const [at, turns, x, y, first] = [0, 1, 2, 3, 4];
  const accumulators = Array.from({ length: 2 * ACCUMULATORS }, (_, index) => first + index);
  return body(
    [[2 + accumulators.length, V128]],
    [
      ...halfAndOne(x, y),
      ...accumulators.flatMap((a, index) => [...get(at), ...load(16 * index), ...set(a)]),
      ...loop(turns, 1, Array.from({ length: UNROLLED }, () => accumulators.flatMap(stepOf(fused, x, y))).flat()),
      ...accumulators.flatMap((a, index) => [...get(at), ...get(a), ...store(16 * index)]),
    ],
  );
}

/** a ← a/2 + 1 stays between its start and 2, whatever the number of turns. */
function halfAndOne(x: number, y: number): number[] {
  return [...splat(0.5), ...set(x), ...splat(1), ...set(y)];
}

/** a ← a·x + y: fused or not, the operands are needed in the order a, x, y. */
function stepOf(fused: boolean, x: number, y: number): (a: number) => number[] {
  const multiplied = fused ? [] : simd(230);
  return (a) => [...get(a), ...get(x), ...multiplied, ...get(y), ...simd(fused ? 0x105 : 228), ...set(a)];
}

function readBody(): number[] {
  const [at, bytes, first] = [0, 1, 2];
  const sums = Array.from({ length: 8 }, (_, index) => first + index);
  const turn = sums.flatMap((sum, index) => {
    return [...get(sum), ...get(at), ...load(16 * index), ...simd(174), ...set(sum)];
  });
  return body(
    [[8, V128]],
    [
      ...loop(bytes, BYTES_PER_TURN, [...turn, ...advance(at)]),
      ...get(first),
      ...sums.slice(1).flatMap((sum) => [...get(sum), ...simd(174)]),
      ...simd(27),
      0,
    ],
  );
}

function copyBody(): number[] {
  const [to, at, bytes] = [0, 1, 2];
  const turn = Array.from({ length: 8 }, (_, index) => {
    return [...get(to), ...get(at), ...load(16 * index), ...store(16 * index)];
  }).flat();
  return body([], loop(bytes, BYTES_PER_TURN, [...turn, ...advance(to), ...advance(at)]));
}

/** Runs `code` and takes `step` from the local `counter` until it is zero. */
function loop(counter: number, step: number, code: readonly number[]): number[] {
  const subtract = [...get(counter), 0x41, ...signed(step), 0x6b, 0x22, counter];
  return [0x03, 0x40, ...code, ...subtract, 0x0d, 0, 0x0b];
}

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const advance = (local: number): number[] => [...get(local), 0x41, ...signed(BYTES_PER_TURN), 0x6a, ...set(local)];
const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
const load = (offset: number): number[] => [...simd(0), 4, ...unsigned(offset)];
const store = (offset: number): number[] => [...simd(11), 4, ...unsigned(offset)];
const splat = (value: number): number[] => [0x43, ...new Uint8Array(Float32Array.of(value).buffer), ...simd(19)];

function body(locals: readonly (readonly [number, number])[], code: readonly number[]): number[] {
  return [...vector(locals), ...code, 0x0b];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function string(text: string): number[] {
  return vector([...new TextEncoder().encode(text)].map((byte) => [byte]));
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...unsigned(Math.floor(value / 128))];
}

function signed(value: number): number[] {
  return value < 64 ? [value] : [(value % 128) + 128, ...signed(Math.floor(value / 128))];
}
