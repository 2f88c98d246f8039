import type { BenchOptions } from './command.ts'
import type { BenchRow } from './report/bench-row.ts'
export async function benchTakeover(_: BenchOptions): Promise<BenchRow[]> {
  return []
}
