/**
 * The branches of a source file, as coverage tools commonly count them: both sides of an `if` (with
 * or without an `else`) and of a conditional expression, every clause of a `switch`, every operand
 * of `&&`, `||` and `??`.
 */
import ts from 'typescript';

/** Offsets into the source text, in UTF-16 units. */
export interface Span {
  start: number;
  end: number;
}

export interface Branch {
  line: number;
  /** In words, for the list of what no test took: `else of if (x)`. */
  what: string;
  /** It was taken as often as this ran … */
  taken: Span;
  /** … less often than this did: the missing `else` of an `if`. */
  less: Span | null;
}

export function branchesOf(path: string, text: string): Branch[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: Branch[] = [];
  const span = (node: ts.Node): Span => ({ start: node.getStart(file), end: node.end });
  const words = (node: ts.Node): string => node.getText(file).replaceAll(/\s+/g, ' ').slice(0, 60);
  const add = (node: ts.Node, what: string, taken: Span = span(node), less: Span | null = null): void => {
    const line = file.getLineAndCharacterOfPosition(taken.start).line + 1;
    found.push({ line, what, taken, less });
  };

  function visit(node: ts.Node): void {
    if (ts.isIfStatement(node)) {
      add(node.thenStatement, `then of if (${words(node.expression)})`);
      if (node.elseStatement !== undefined) add(node.elseStatement, `else of if (${words(node.expression)})`);
      else add(node, `no else of if (${words(node.expression)})`, span(node), span(node.thenStatement));
    } else if (ts.isConditionalExpression(node)) {
      add(node.whenTrue, `${words(node.condition)} ? ${words(node.whenTrue)}`);
      add(node.whenFalse, `${words(node.condition)} ? : ${words(node.whenFalse)}`);
    } else if (ts.isCaseOrDefaultClause(node)) {
      // A clause without statements belongs to the next one.
      const [first] = node.statements;
      if (first !== undefined) add(first, ts.isCaseClause(node) ? `case ${words(node.expression)}` : 'default');
    } else if (ts.isBinaryExpression(node) && isLogical(node)) {
      if (!(ts.isBinaryExpression(node.left) && isLogical(node.left))) add(node.left, words(node.left));
      add(node.right, `${words(node.operatorToken)} ${words(node.right)}`);
    }
    ts.forEachChild(node, visit);
  }

  visit(file);
  return found;
}

function isLogical({ operatorToken: { kind } }: ts.BinaryExpression): boolean {
  return (
    kind === ts.SyntaxKind.AmpersandAmpersandToken ||
    kind === ts.SyntaxKind.BarBarToken ||
    kind === ts.SyntaxKind.QuestionQuestionToken
  );
}
