// SPDX-License-Identifier: Apache-2.0
/*
 * bins.ts - a keyboard cell's six contrasts read back as what they were made of: the shares of seven
 * bins, from the shortest times to the longest.
 *
 * The same numbers in another form (src/window/histogram.h): with count n and sums f_k over B = 7 bins
 *
 *     n_b = (n + sum_k f_k phi_k(b)) / B,   phi_k(b) = sqrt(2) cos(pi k (B - 1/2 - b) / B)
 *
 * Sums are rounded to 1/64 before they are sent, so an empty bin can come out a little off nought.
 */
export const BINS = 7;

function contrast(k: number, bin: number): number {
  return Math.SQRT2 * Math.cos((Math.PI * k * (BINS - 0.5 - bin)) / BINS);
}

/** Shares of the bins, shortest times first; n and sums in the same unit, n above nought. */
export function shares(n: number, sums: number[]): number[] {
  return Array.from({ length: BINS }, (_, bin) =>
    sums.reduce((total, sum, i) => total + sum * contrast(i + 1, bin), n) / (BINS * n),
  );
}
