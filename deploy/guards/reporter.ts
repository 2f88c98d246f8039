import type { TestEvent } from 'node:test/reporters'

/** What a test run tells of one test, a line of JSON each. */
export interface TestResult {
  readonly isPassed: boolean
  readonly name: string
  /** Path of the test file. */
  readonly file: string
  /** The whole file failed: it did not load, or ended before its tests did. */
  readonly isFile: boolean
  /** An assertion of the test did not hold. */
  readonly isAssertion: boolean
  readonly message: string
}

/** A reporter for `node --test` that a program reads. */
// biome-ignore lint/style/noDefaultExport: node:test asks for it
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { name, file = '' } = event.data
    const error = event.type === 'test:fail' ? event.data.details.error : undefined
    const cause = (error?.cause ?? error) as { readonly code?: unknown; readonly message?: unknown } | undefined
    const result: TestResult = {
      isPassed: event.type === 'test:pass',
      name,
      file,
      isFile: name !== '' && file.endsWith(name),
      isAssertion: cause?.code === 'ERR_ASSERTION',
      message: String(cause?.message ?? ''),
    }
    yield `${JSON.stringify(result)}\n`
  }
}
