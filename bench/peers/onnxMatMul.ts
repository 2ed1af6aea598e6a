/**
 * An ONNX model of one node, y = MatMul(x, W), as the protocol buffer that onnxruntime reads. W is stored in the model, so
 * that the engine may pack it once, as ours does. Field numbers are those of onnx.proto3.
 */

type Field = readonly [number: number, value: number | string | Uint8Array];

const FLOAT = 1;

/** x [rows, k], W [k, n] → y [rows, n]. */
export function onnxMatMul(rows: number, k: number, n: number, weight: Float32Array): Uint8Array {
  const node = message([1, 'x'], [1, 'w'], [2, 'y'], [4, 'MatMul']);
  const raw = new Uint8Array(weight.buffer, weight.byteOffset, weight.byteLength);
  const initializer = message([1, k], [1, n], [2, FLOAT], [8, 'w'], [9, raw]);
  const graph = message(
    [1, node],
    [2, 'graph'],
    [5, initializer],
    [11, value('x', rows, k)],
    [12, value('y', rows, n)],
  );
  return message([1, 8], [7, graph], [8, message([1, ''], [2, 17])]);
}

/** ValueInfoProto of a float matrix. */
function value(name: string, rows: number, columns: number): Uint8Array {
  const shape = message([1, message([1, rows])], [1, message([1, columns])]);
  return message([1, name], [2, message([1, message([1, FLOAT], [2, shape])])]);
}

/** Numbers as varints, everything else with its length. */
function message(...fields: readonly Field[]): Uint8Array {
  const parts = fields.flatMap(([number, content]) => {
    if (typeof content === 'number') return [varint(number * 8), varint(content)];
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    return [varint(number * 8 + 2), varint(bytes.length), bytes];
  });
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function varint(number: number): Uint8Array {
  const bytes: number[] = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) + 128);
  return Uint8Array.of(...bytes, number);
}
