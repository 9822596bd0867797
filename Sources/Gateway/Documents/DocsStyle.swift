// How the page for people looks.
enum DocsStyle {
    static let text = """
        :root { color-scheme: light dark; --text: #1c1e21; --soft: #5a6068; --ground: #ffffff; --panel: #f5f6f8;
          --line: #d9dde2; --link: #0b57b0; --get: #0b6b3a; --post: #0b57b0; --put: #8a5200; --patch: #6d3fa0;
          --delete: #b3261e; }
        @media (prefers-color-scheme: dark) { :root { --text: #e6e8eb; --soft: #a3abb5; --ground: #16181c;
          --panel: #1f2228; --line: #363b43; --link: #8ab8ff; --get: #6fd39b; --post: #8ab8ff; --put: #f0b45c;
          --patch: #c9a4f5; --delete: #ff9a91; } }
        * { box-sizing: border-box; }
        html { scroll-padding-top: 1rem; }
        body { margin: 0; font: 16px/1.55 system-ui, sans-serif; color: var(--text); background: var(--ground);
          display: grid; grid-template-columns: 20rem minmax(0, 1fr); }
        a { color: var(--link); }
        a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--link);
          outline-offset: 2px; border-radius: 4px; }
        .skip { position: absolute; left: -99rem; }
        .skip:focus { left: 1rem; top: 1rem; background: var(--ground); padding: .5rem 1rem; z-index: 1; }
        nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.25rem; background: var(--panel);
          border-right: 1px solid var(--line); font-size: .875rem; }
        nav h2 { font-size: .875rem; margin: 1rem 0 .25rem; } nav h2 a { color: inherit; text-decoration: none; }
        nav ul { list-style: none; margin: 0; padding: 0; }
        nav li a { display: block; padding: .15rem 0; text-decoration: none; overflow-wrap: anywhere; }
        nav li a:hover { text-decoration: underline; }
        main { padding: 2rem clamp(1rem, 4vw, 4rem) 4rem; max-width: 70rem; }
        h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 1rem; }
        h2 { font-size: 1.375rem; margin: 2.5rem 0 .25rem; } h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
        p { margin: .25rem 0 .75rem; max-width: 46rem; }
        code, pre { font-family: ui-monospace, monospace; font-size: .875em; }
        pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem;
          overflow-x: auto; }
        .method { display: inline-block; min-width: 3.6rem; font: 700 .75rem ui-monospace, monospace; }
        .get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); }
        .patch { color: var(--patch); } .delete { color: var(--delete); }
        details { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; }
        summary { padding: .6rem 1rem; cursor: pointer; } details[open] > summary { border-bottom: 1px solid var(--line); }
        details:target { border-color: var(--link); }
        .what { color: var(--soft); margin-left: .5rem; } .body { padding: .5rem 1rem 1rem; }
        .wide { overflow-x: auto; margin: .75rem 0; }
        table { border-collapse: collapse; width: 100%; font-size: .9rem; }
        caption { text-align: left; font-weight: 600; padding: .25rem 0; }
        th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0;
          border-bottom: 1px solid var(--line); }
        th { color: var(--soft); font-weight: 600; }
        .required { color: var(--delete); font-size: .8rem; }
        article { border-top: 1px solid var(--line); }
        @media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; border: 0;
          border-bottom: 1px solid var(--line); } }
        @media print { nav { display: none; } }
        """
}
