import { describe, expect, it } from 'vitest'
import { terminalSvg } from '../../scripts/terminal-picture.ts'

const words = (svg: string): string[] => [...svg.matchAll(/<tspan[^>]*>([^<]*)<\/tspan>/g)].map(([, text]) => text!)
const at = (svg: string, word: string): number => Number(new RegExp(`<tspan x="([\\d.]+)"[^>]*>${word}<`).exec(svg)![1])

describe('the picture of a terminal', () => {
  it('keeps columns below each other, in colour or not', () => {
    const svg = terminalSvg(['\x1b[2mREF\x1b[22m   FILES', 'a b   12'], 'list')
    expect(words(svg)).toEqual(['REF', 'FILES', 'a b', '12'])
    expect(at(svg, 'FILES')).toBe(at(svg, '12'))
    expect(svg).toMatch(/class="dim">REF</)
    expect(svg).not.toMatch(/class="dim">FILES</)
  })

  it('ends a colour where the sequence ends it, and only that one', () => {
    const svg = terminalSvg(['\x1b[1m\x1b[31mboth\x1b[39m  bold\x1b[22m  none'], 'colours')
    expect(svg).toContain('class="bold red">both<')
    expect(svg).toContain('class="bold">bold<')
    expect(svg).toMatch(/textLength="[\d.]+">none</)
  })

  it('is text, whatever the commands print', () => {
    const svg = terminalSvg(['<script>alert("&")</script>'], 'a "b" & c')
    expect(svg).not.toContain('<script')
    expect(svg).toContain('&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;')
    expect(svg).toContain('<title>a &quot;b&quot; &amp; c</title>')
  })
})
