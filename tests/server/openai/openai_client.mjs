// OpenAI's npm package against a server: openai_client.mjs URL, in a folder where the package is. It prints what it got
// as JSON, which openai_client.py looks at.
import fs from "node:fs";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
const url = (file) => "data:image/png;base64," + fs.readFileSync(file).toString("base64");
const [file] = process.argv.slice(3);
const messages = [{ role: "user", content: [{ type: "image_url", image_url: { url: url(file) } }] }];
const input = [{ role: "user", content: [{ type: "input_image", detail: "auto", image_url: url(file) }] }];

const got = { models: [], streamed: "", response_streamed: "", events: [] };
for await (const model of client.models.list()) got.models.push(model.id);

const whole = await client.chat.completions.create({ model: "primer", messages });
got.whole = whole.choices[0].message.content;
got.reason = whole.choices[0].finish_reason;

const stream = await client.chat.completions.create({
  model: "primer", messages, stream: true, stream_options: { include_usage: true },
});
for await (const event of stream) {
  got.streamed += event.choices[0]?.delta?.content ?? "";
  got.tokens = event.usage?.completion_tokens ?? got.tokens;
}

got.response = (await client.responses.create({ model: "primer", input })).output_text;
for await (const event of await client.responses.create({ model: "primer", input, stream: true })) {
  got.events.push(event.type);
  if (event.type === "response.output_text.delta") got.response_streamed += event.delta;
}

try {
  await client.chat.completions.create({ model: "gpt", messages });
} catch (error) {
  got.refusal = { kind: error.constructor.name, code: error.code, status: error.status };
}
console.log(JSON.stringify(got));
