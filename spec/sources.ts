/**
 * What the rules of spec/architecture.spec.ts see of a source file, read by TypeScript's own
 * parser.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root: string = fileURLToPath(new URL('..', import.meta.url));

export interface Import {
  /** Path from the root: `src/model/mask.ts`. */
  from: string;
  /** The same for a file of ours, or a package's name. */
  to: string;
  /** `import type`, or all names marked so. */
  typeOnly: boolean;
}

export interface FunctionSize {
  name: string;
  line: number;
  lines: number;
  parameters: number;
}

export interface Comment {
  line: number;
  /** Columns of its longest line; a line that begins with code does not count. */
  width: number;
  text: string;
}

export interface Source {
  path: string;
  text: string;
  lines: number;
  imports: Import[];
  functions: FunctionSize[];
  comments: Comment[];
}

/**
 * All TypeScript and JavaScript files below a folder of the root, `src/model` say, but those that a
 * build wrote.
 */
export function sourcesBelow(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[jt]s$/.test(name) && !/\.generated\.ts$|(?:^|\/)node_modules\//.test(name))
    .map((name) => join(folder, name))
    .toSorted()
    .map(parse);
}

function parse(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return {
    path,
    text,
    lines: text.split('\n').length - 1,
    imports: importsOf(file),
    functions: functionsOf(file),
    comments: commentsOf(file),
  };
}

/** Every node of a file in the order of the text, the file itself first. */
function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    children.push(child);
  });
  for (const child of children) yield* nodesOf(child);
}

function importsOf(file: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Expression, typeOnly: boolean): void => {
    if (!ts.isStringLiteral(specifier)) return;
    const target = specifier.text;
    // AssemblyScript names files without their ending.
    const ending = /\.[jt]s$/.test(target) ? '' : '.ts';
    const to = target.startsWith('.') ? normalize(join(dirname(file.fileName), target + ending)) : target;
    found.push({ from: file.fileName, to, typeOnly });
  };
  for (const node of nodesOf(file)) {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, importsTypesOnly(node));
    if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
      add(node.moduleSpecifier, node.isTypeOnly || namesAreTypes(node.exportClause));
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const { literal } = node.argument;
      if (ts.isStringLiteral(literal)) add(literal, true);
    }
  }
  return found;
}

function importsTypesOnly({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false;
  if (importClause.isTypeOnly) return true;
  return importClause.name === undefined && namesAreTypes(importClause.namedBindings);
}

function namesAreTypes(names: ts.NamedImportBindings | ts.NamedExportBindings | undefined): boolean {
  if (names === undefined || !(ts.isNamedImports(names) || ts.isNamedExports(names))) return false;
  return names.elements.length > 0 && names.elements.every(({ isTypeOnly }) => isTypeOnly);
}

function functionsOf(file: ts.SourceFile): FunctionSize[] {
  const found: FunctionSize[] = [];
  for (const node of nodesOf(file)) {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) continue;
    const first = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
    const last = file.getLineAndCharacterOfPosition(node.end).line + 1;
    const parameters = node.parameters.length;
    found.push({ name: nameOf(node, file), line: first, lines: last - first + 1, parameters });
  }
  return found;
}

function nameOf(node: ts.SignatureDeclaration, file: ts.SourceFile): string {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const named = node.name ?? ('name' in node.parent ? (node.parent.name as ts.Node | undefined) : undefined);
  return named?.getText(file) ?? '(anonymous)';
}

function commentsOf(file: ts.SourceFile): Comment[] {
  const text = file.text;
  const found = new Map<number, Comment>();
  const add = (ranges: readonly ts.CommentRange[] | undefined): void => {
    for (const { pos, end } of ranges ?? []) {
      const start = text.lastIndexOf('\n', pos - 1) + 1;
      const lines = text.slice(start, end).split('\n');
      // Behind code on its line, a comment is as wide as prettier lets the code be.
      const own = lines.slice(text.slice(start, pos).trim() === '' ? 0 : 1);
      const width = Math.max(0, ...own.map((line) => line.length));
      found.set(pos, { line: file.getLineAndCharacterOfPosition(pos).line + 1, width, text: text.slice(pos, end) });
    }
  };
  // Comments stand before a token or after it on the line; the tokens are the nodes without
  // children.
  for (const node of nodesOf(file))
    for (const token of [node, ...node.getChildren(file)]) {
      add(ts.getLeadingCommentRanges(text, token.pos));
      add(ts.getTrailingCommentRanges(text, token.end));
    }
  return [...found.values()].toSorted((a, b) => a.line - b.line);
}
