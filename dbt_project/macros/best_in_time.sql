{# Of statements that hold from `from_us` to `to_us` (half-open), the best at each instant, as spans that do not overlap: a row of facts
   then finds its one statement by an equi-join with a range, whatever number of them overlap.
   `matches` is a CTE with the columns of `key`, from_us, to_us and `payload`; `best` orders what holds at the same time. #}
{% macro best_in_time(matches, key, payload, best) %}
    select {{ key | join(', ') }}, from_us, to_us, {{ payload | join(', ') }}
    from (
        select
            {% for name in key %}s.{{ name }}, {% endfor %}s.from_us, s.to_us, {% for name in payload %}m.{{ name }}, {% endfor %}
            row_number() over (partition by {% for name in key %}s.{{ name }}, {% endfor %}s.from_us order by {{ best }}) as choice
        from (
            select {{ key | join(', ') }}, t as from_us, lead(t) over (partition by {{ key | join(', ') }} order by t) as to_us
            from (
                select {{ key | join(', ') }}, from_us as t from {{ matches }}
                union
                select {{ key | join(', ') }}, to_us as t from {{ matches }}
            ) as instant
        ) as s
        inner join {{ matches }} as m
            on {% for name in key %}s.{{ name }} = m.{{ name }} and {% endfor %}m.from_us <= s.from_us and m.to_us >= s.to_us
    ) as ranked
    where choice = 1
{% endmacro %}
