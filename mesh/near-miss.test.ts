import { expect, test } from 'vitest';
import { findNearMiss } from './near-miss.ts';

test('offers the name that a slip of the fingers turned into what stands there', () => {
  expect(findNearMiss('weigth', ['weight', 'headers'])).toBe('weight');
  expect(findNearMiss('STRCIT', ['STRICT', 'DISABLE'])).toBe('STRICT');
  expect(findNearMiss('strict', ['STRICT', 'DISABLE'])).toBe('STRICT');
  expect(findNearMiss('shop-gatway', ['shop-gateway', 'mesh'])).toBe('shop-gateway');
});

test('offers nothing when nothing is near, or several are', () => {
  expect(findNearMiss('color', ['weight', 'headers'])).toBeUndefined();
  expect(findNearMiss('v3', ['v1', 'v2'])).toBeUndefined();
  expect(findNearMiss('x', [])).toBeUndefined();
});
