/** The part of @huggingface/jinja that is used. */
declare module '@huggingface/jinja' {
  export class Template {
    readonly parsed: unknown;
    constructor(template: string);
  }
  export class Environment {
    set(name: string, value: unknown): void;
  }
  export class Interpreter {
    constructor(environment: Environment);
    run(program: unknown): { readonly value: string };
  }
}
