/** The value that `share` of all is not above (nearest rank); NaN of nothing. `sorted` ascends. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.ceil(sorted.length * share)
  return sorted[Math.min(Math.max(rank - 1, 0), sorted.length - 1)] ?? Number.NaN
}

/** The middle one; of an even number the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
