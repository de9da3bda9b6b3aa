import { createHash } from 'node:crypto';
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';

/** A small change of the source that a test should notice. */
export interface Mutant {
  /** Hash of the file, the line and the change. Stays the same when other lines of the file change. */
  readonly key: string;
  /** Path from the root of the repository. */
  readonly file: string;
  readonly line: number;
  readonly operator: Operator;
  /** UTF-16 offsets of the replaced text. */
  readonly start: number;
  readonly end: number;
  readonly original: string;
  readonly replacement: string;
  /** True outside functions: the code runs once, when the module is imported. */
  readonly atImport: boolean;
}

type Operator =
  | 'condition'
  | 'comparison'
  | 'arithmetic'
  | 'logic'
  | 'fallback'
  | 'optional chain'
  | 'boolean'
  | 'number'
  | 'string'
  | 'statement'
  | 'return'
  | 'await'
  | 'method';

/** Largest integer that is mutated to its successor. Larger numbers and fractions are doubled: a delay of 301 is no fault. */
const MAX_COUNT = 10;

const COMPARISONS = new Map<SyntaxKind, readonly string[]>([
  [SyntaxKind.LessThanToken, ['<=', '>=']],
  [SyntaxKind.LessThanEqualsToken, ['<', '>']],
  [SyntaxKind.GreaterThanToken, ['>=', '<=']],
  [SyntaxKind.GreaterThanEqualsToken, ['>', '<']],
  [SyntaxKind.EqualsEqualsEqualsToken, ['!==']],
  [SyntaxKind.ExclamationEqualsEqualsToken, ['===']],
]);
const ARITHMETIC = new Map<SyntaxKind, string>([
  [SyntaxKind.PlusToken, '-'],
  [SyntaxKind.MinusToken, '+'],
  [SyntaxKind.AsteriskToken, '/'],
  [SyntaxKind.SlashToken, '*'],
  [SyntaxKind.PercentToken, '*'],
  [SyntaxKind.PlusEqualsToken, '-='],
  [SyntaxKind.MinusEqualsToken, '+='],
]);
const LOGIC = new Map<SyntaxKind, string>([
  [SyntaxKind.AmpersandAmpersandToken, '||'],
  [SyntaxKind.BarBarToken, '&&'],
]);
const METHODS = new Map([
  ['min', 'max'],
  ['max', 'min'],
  ['some', 'every'],
  ['every', 'some'],
  ['floor', 'ceil'],
  ['ceil', 'floor'],
]);
/** Callee of a log message. */
const LOG_CALL = /(^console|\blog(ger)?)\.\w+$/;
/** Callee that adds documentation to a schema. */
const DOCUMENTING_CALL = /\.(describe|meta)$/;

/** Properties that only document a schema or a route. */
const DOCUMENTING_PROPERTY = /^(description|summary|tags|title|examples?)$/;
/** Files that only hold documentation. */
const DOCUMENTING_FILE = /\/examples\.ts$/;

/** Mutants of a file. Types, imports, log messages, sentences and documentation are left alone. */
export function mutantsOf(source: SourceFile, file: string): Mutant[] {
  const found: Mutant[] = [];
  const { text } = source;
  const seen = new Map<string, number>();
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  let functionDepth = 0;

  function add(operator: Operator, start: number, end: number, replacement: string): void {
    const line = lineStarts.findLastIndex((lineStart) => lineStart <= start);
    const [from, to] = [lineStarts[line]!, lineStarts[line + 1] ?? text.length];
    const change = [file, operator, text.slice(from, to).trim(), text.slice(start, end), replacement].join('\n');
    const repeats = seen.get(change) ?? 0;
    seen.set(change, repeats + 1);
    found.push({
      key: createHash('sha256').update(`${change}\n${repeats}`).digest('hex').slice(0, 16),
      ...{ file, line: line + 1, operator, start, end, original: text.slice(start, end), replacement },
      atImport: functionDepth === 0,
    });
  }
  const replace = (operator: Operator, node: Node, replacement: string) =>
    add(operator, node.getStart(source), node.end, replacement);
  const textOf = (node: Node) => text.slice(node.getStart(source), node.end);
  const isCallOf = (callee: RegExp, node: Node): boolean => {
    const call = is.isExpressionStatement(node) ? node.expression : node;
    return is.isCallExpression(call) && callee.test(textOf(call.expression));
  };

  function visit(node: Node): void {
    if (isErased(node) || isCallOf(LOG_CALL, node)) return;
    if (is.isPropertyAssignment(node) && DOCUMENTING_PROPERTY.test(textOf(node.name))) return;
    // The rest of the schema is in the callee: `z.string().describe('…')`.
    if (is.isCallExpression(node) && isCallOf(DOCUMENTING_CALL, node)) {
      visit(node.expression);
      return;
    }
    mutate(node);
    const isFunction = is.isFunctionLikeDeclaration(node) || is.isPropertyDeclaration(node);
    functionDepth += Number(isFunction);
    node.forEachChild((child) => {
      visit(child);
      return undefined;
    });
    functionDepth -= Number(isFunction);
  }

  function mutate(node: Node): void {
    if (is.isIfStatement(node)) {
      negate(node.expression);
      replace('condition', node.expression, 'false');
      if (node.elseStatement) replace('condition', node.expression, 'true');
    } else if (is.isWhileStatement(node) || is.isDoStatement(node)) {
      negate(node.expression);
    } else if (is.isConditionalExpression(node)) {
      replace('condition', node.condition, 'true');
      replace('condition', node.condition, 'false');
    } else if (is.isBinaryExpression(node)) {
      mutateBinary(node);
    } else if (is.isPrefixUnaryExpression(node) || is.isPostfixUnaryExpression(node)) {
      mutateUnary(node);
    } else if (node.kind === SyntaxKind.TrueKeyword) {
      replace('boolean', node, 'false');
    } else if (node.kind === SyntaxKind.FalseKeyword) {
      replace('boolean', node, 'true');
    } else if (is.isNumericLiteral(node)) {
      const value = Number(textOf(node).replaceAll('_', ''));
      const isCount = Number.isInteger(value) && value <= MAX_COUNT;
      replace('number', node, String(isCount ? value + 1 : value * 2));
    } else if (is.isStringLiteral(node) || is.isNoSubstitutionTemplateLiteral(node)) {
      mutateString(node);
    } else if (is.isExpressionStatement(node)) {
      if (!textOf(node).startsWith('super(')) replace('statement', node, ';');
    } else if (is.isThrowStatement(node)) {
      replace('statement', node, ';');
    } else if (is.isReturnStatement(node) && node.expression) {
      mutateResult(node.expression);
    } else if (is.isArrowFunction(node) && !is.isBlock(node.body)) {
      if (!isCallOf(LOG_CALL, node.body)) mutateResult(node.body);
    } else if (is.isAwaitExpression(node)) {
      replace('await', node, textOf(node.expression));
    } else if (is.isPropertyAccessExpression(node)) {
      const other = METHODS.get(node.name.text);
      if (other) replace('method', node.name, other);
      if (node.questionDotToken) replace('optional chain', node.questionDotToken, '.');
    } else if (is.isElementAccessExpression(node) || is.isCallExpression(node)) {
      if (node.questionDotToken) replace('optional chain', node.questionDotToken, '');
    }
  }

  function negate(condition: Node): void {
    replace('condition', condition, `!(${textOf(condition)})`);
  }

  function mutateBinary(node: Node & { left: Node; right: Node; operatorToken: Node }): void {
    const { left, right, operatorToken: token } = node;
    for (const other of COMPARISONS.get(token.kind) ?? []) replace('comparison', token, other);
    const arithmetic = ARITHMETIC.get(token.kind);
    if (arithmetic) replace('arithmetic', token, arithmetic);
    const logic = LOGIC.get(token.kind);
    if (logic) replace('logic', token, logic);
    if (token.kind !== SyntaxKind.QuestionQuestionToken) return;
    replace('fallback', node, textOf(left));
    replace('fallback', node, textOf(right));
  }

  function mutateUnary(node: Node & { operator: SyntaxKind; operand: Node }): void {
    const operand = textOf(node.operand);
    if (node.operator === SyntaxKind.ExclamationToken) replace('logic', node, operand);
    else if (node.operator === SyntaxKind.MinusToken) replace('arithmetic', node, operand);
    else if (node.operator === SyntaxKind.PlusPlusToken) replace('arithmetic', node, `${operand}--`);
    else if (node.operator === SyntaxKind.MinusMinusToken) replace('arithmetic', node, `${operand}++`);
  }

  function mutateString(node: Node & { text: string }): void {
    const { parent } = node;
    const isName = 'name' in parent && parent.name === node;
    if (isName || is.isTaggedTemplateExpression(parent) || /\s/.test(node.text)) return;
    replace('string', node, node.text === '' ? "'mutant'" : "''");
  }

  function mutateResult(result: Node): void {
    // These have a better mutant of their own.
    if (result.kind === SyntaxKind.TrueKeyword || result.kind === SyntaxKind.FalseKeyword) return;
    if (!/^undefined( as never)?$/.test(textOf(result))) replace('return', result, 'undefined as never');
  }

  if (!DOCUMENTING_FILE.test(file)) visit(source);
  return found;
}

function isErased(node: Node): boolean {
  return (
    is.isTypeNode(node) ||
    is.isInterfaceDeclaration(node) ||
    is.isTypeAliasDeclaration(node) ||
    is.isImportDeclaration(node) ||
    is.isExportDeclaration(node)
  );
}
