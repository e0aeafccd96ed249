"""The bulletin 通报 of a period: what people take to the meeting, gathered once and said in two languages."""
