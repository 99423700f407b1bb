// The Responses API with openai for Node: plain, streamed, chained, with a function.

import OpenAI from "openai";

const model = process.env.FAIRLEAD_MODEL ?? "demo";
const client = new OpenAI({
  baseURL: process.env.FAIRLEAD_BASE_URL ?? "http://localhost:8080/v1",
  apiKey: process.env.FAIRLEAD_API_KEY ?? "unused",
});

const weather = {
  type: "function",
  name: "get_weather",
  description: "The weather of a city.",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
  strict: true,
};

const getWeather = ({ city }) => `22 degrees and sunny in ${city}`;

async function plain() {
  const response = await client.responses.create({ model, input: "Hello from Node" });
  console.log("plain:   ", response.output_text);
  return response.id;
}

async function streamed() {
  const stream = await client.responses.create({ model, input: "Hello in pieces", stream: true });
  process.stdout.write("streamed: ");
  for await (const event of stream) {
    if (event.type === "response.output_text.delta") process.stdout.write(event.delta);
    if (event.type === "response.completed") console.log(` (${event.response.usage.total_tokens} tokens)`);
  }
}

// The server keeps the conversation; the client sends only what is new.
async function chained(previous) {
  const response = await client.responses.create({ model, input: "What did I say?", previous_response_id: previous });
  console.log("chained: ", response.output_text);
}

// The model asks for a function, the client runs it and sends its result.
async function calledFunction() {
  const asked = await client.responses.create({ model, input: "How is the weather in Paris?", tools: [weather] });
  const results = asked.output
    .filter((item) => item.type === "function_call")
    .map((call) => {
      const output = getWeather(JSON.parse(call.arguments));
      console.log(`function: ${call.name}(${call.arguments}) = ${output}`);
      return { type: "function_call_output", call_id: call.call_id, output };
    });
  const response = await client.responses.create({ model, input: results, previous_response_id: asked.id, tools: [weather] });
  console.log("function:", response.output_text);
}

const first = await plain();
await streamed();
await chained(first);
await calledFunction();
