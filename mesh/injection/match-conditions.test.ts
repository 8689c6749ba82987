import { expect, test } from 'vitest';
import { evaluateCondition, notKnown } from './match-conditions.ts';

const object = {
  metadata: { name: 'cart', namespace: 'shop', labels: { app: 'cart', 'a/b': 'x' } },
  spec: { hostNetwork: false, [notKnown]: true },
};
const inputs = { object, oldObject: null, request: { operation: 'CREATE', namespace: 'shop', [notKnown]: true } };

test.each([
  ["object.metadata.namespace == 'shop'", 'true'],
  ["object.metadata.namespace != 'shop'", 'false'],
  ["!('skip' in object.metadata.labels)", 'true'],
  ["'app' in object.metadata.labels && object.metadata.labels['app'] == \"cart\"", 'true'],
  ["has(object.metadata.labels) && 'skip' in object.metadata.labels", 'false'],
  ['has(object.metadata.annotations)', 'false'],
  ["!has(object.metadata.annotations) || !('x' in object.metadata.annotations)", 'true'],
  ["object.metadata.annotations['x'] == 'y'", 'failed'],
  ["object.metadata.annotations['x'] == 'y' || true", 'true'],
  ["object.metadata.annotations['x'] == 'y' && false", 'false'],
  ["object.metadata.labels['a/b'] in ['x', 'y']", 'true'],
  ["object.metadata.name.startsWith('ca') && object.metadata.name.endsWith('t')", 'true'],
  ["object.metadata.name.matches('^c.*t$')", 'true'],
  ["object.metadata.name.contains('z')", 'false'],
  ['size(object.metadata.labels) == 2', 'true'],
  ['object.metadata.labels.size() > 5', 'false'],
  ["request.operation == 'CREATE' ? true : false", 'true'],
  ["(request.namespace == 'shop') && !(object.spec.hostNetwork)", 'true'],
  ['oldObject == null', 'true'],
  ["object.metadata.name + 'x' == 'cartx'", 'unknown'],
  ["request.userInfo.username == 'jane'", 'unknown'],
  ["request.userInfo.username == 'jane' && false", 'false'],
  ['object.spec.containers.exists(c, c.name == "x")', 'unknown'],
  ['object.spec.nodeName == "n"', 'unknown'],
  ["'text'", 'failed'],
  ['object.metadata.', 'unknown'],
  ['', 'unknown'],
])('%s is %s', (expression, result) => {
  expect(evaluateCondition(expression, inputs)).toBe(result);
});
