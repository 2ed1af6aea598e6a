// What is one block worth? The perplexity of a text with the whole model, and without each block
// you name.
//
//   node perplexity.mjs tiny:planted L0.mha L3.mha
import { load } from 'blockpruner';

const text = `First Citizen: Before we proceed any further, hear me speak.
All: Speak, speak.
First Citizen: You are all resolved rather to die than to famish?`;

const [name = 'tiny:planted', ...blocks] = process.argv.slice(2);
const model = await load(name);

const whole = await model.perplexity(text, { chunk: 32 });
console.log(`whole model: perplexity ${whole.ppl.toFixed(2)} (${whole.convention.text})`);

for (const block of blocks.length > 0 ? blocks : ['L0.mha', 'L0.mlp']) {
  const without = await model.perplexity(text, { chunk: 32, mask: block });
  const change = 100 * (without.ppl / whole.ppl - 1);
  console.log(`without ${block}: perplexity ${without.ppl.toFixed(2)} (${change.toFixed(1)} % more)`);
}
await model.close();
