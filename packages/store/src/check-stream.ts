import { StreamMismatchError } from './errors.ts'
import type { StreamLayout } from './layout.ts'

/**
 * Compares a stream's configuration with its layout: all but its size and its replicas, which are the operator's.
 *
 * @throws StreamMismatchError
 */
export function checkStream(layout: StreamLayout, config: Readonly<Record<string, unknown>>): void {
  const found = [...((config.subjects as readonly string[] | undefined) ?? [])].sort()
  const wanted = [...layout.subjects].sort()
  if (found.join() !== wanted.join()) throw new StreamMismatchError(layout.name, 'subjects', found, wanted)
  for (const [field, value] of Object.entries(layout.config)) {
    // The server leaves out what is false.
    const has = config[field] ?? false
    if (has !== value) throw new StreamMismatchError(layout.name, field, has, value)
  }
  const metadata = (config.metadata as Readonly<Record<string, string>> | undefined) ?? {}
  for (const [name, value] of Object.entries(layout.metadata)) {
    if (metadata[name] !== value) throw new StreamMismatchError(layout.name, `metadata ${name}`, metadata[name], value)
  }
}
