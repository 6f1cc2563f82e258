/** Hints: `SHARDS=4` and `SHARD_KEY=region` in a block comment, wherever one may stand. In a string or a line comment they are text. */
import type { Json } from '../core/json.ts'
import { badSql, type Source } from './problem.ts'
import type { Comment } from './tokenizer.ts'

/** Bounds and message as in the engine whose statement this is. */
const mostShards = 256

/** `{ shards, shardKey }`, what the comments say of it. Throws `bad-sql` for a hint that is no good, or that stands twice. */
export function readHints(source: Source, comments: readonly Comment[]): Record<string, Json> {
  const hints: Record<string, Json> = {}
  const put = (name: string, value: Json, comment: Comment): void => {
    if (name in hints && hints[name] !== value)
      throw badSql(source, comment.start, `the hint for ${name} stands twice, with two values`)
    hints[name] = value
  }
  for (const comment of comments) {
    if (comment.form !== 'block') continue
    for (const [, word, value] of comment.text.matchAll(/\b(SHARDS|SHARD_KEY)\s*=\s*([^\s,;]*)/gi)) {
      if (word!.toUpperCase() === 'SHARDS') put('shards', shardsOf(source, comment, value!), comment)
      else if (value === '') throw badSql(source, comment.start, 'the hint SHARD_KEY= names no column')
      else put('shardKey', value!, comment)
    }
  }
  return hints
}

function shardsOf(source: Source, comment: Comment, text: string): number {
  const shards = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (shards >= 1 && shards <= mostShards) return shards
  throw badSql(
    source,
    comment.start,
    `Invalid SHARDS value: ${text}. Must be between 1 and ${mostShards}.`,
    'such as /* SHARDS=4 */',
  )
}
