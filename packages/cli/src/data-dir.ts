import { join } from 'node:path'
import type { OptionSpec, Options } from './command/options.ts'

export const DATA_DIR_OPTION: OptionSpec = {
  value: 'DIR',
  help: 'where the local stack keeps its data (default: $ROLLCALL_DATA_DIR, else .rollcall)',
}

/** The folder of the local stack. */
export function dataDirOf(options: Options, env: Readonly<Record<string, string | undefined>>): string {
  return options.text('data-dir') ?? (env.ROLLCALL_DATA_DIR || '.rollcall')
}

/** Where the local stack has its certificates. */
export function pkiFolderOf(dataDir: string): string {
  return join(dataDir, 'secrets', 'pki')
}
