"""The cluster assistant: from two unconfigured appliances to a cluster, question by question.

    block.py      the text one appliance shows and the other is given (pure)
    keys.py       public keys out of such a text (pure)
    situation.py  what the assistant finds on the appliance (pure)
    reading.py    what a person types, as the value it means (pure)
    question.py   what a question is (pure)
    master.py     the questions for a master, in the documented order (pure)
    spare.py      the questions for a spare (pure)
    machine.py    which question is next, which was before (pure)
    plan.py       answers as one edit, its summary, and what to do afterwards (pure)
    dialogue.py   the conversation with a person
    at_once.py    all answers given with the command

The questions of a role are a generator: it yields a question and is sent the answer, so what is asked next may
depend on everything before it. `machine.Machine` runs it as far as there are answers; going back is to forget
the last one.
"""
